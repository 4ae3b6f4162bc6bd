"""`smokegate init` as its users run it: what it drafts for Lattice passes, and can be audited."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
from smokegate.audit.report import Audit

from tests.gate.scaffold.test_recorded import COLLECTION, HAR, HTTP, HURL
from tests.system.command import BIN, ROOT, Commands, Done
from tests.system.lattice_process import LatticeProcess

DOCUMENTED = (ROOT / "docs/init.md").read_text(encoding="utf-8")
SOURCES = {
    "checkout.har": json.dumps(HAR),
    "shop.json": json.dumps(COLLECTION),
    "shop.http": HTTP,
    "shop.hurl": HURL,
}


def inside(commands: Commands, folder: Path, line: str) -> Done:
    """Run one line of smokegate's in a folder."""
    return commands("sh", "-c", f"cd {folder} && {BIN}/{line}")


def test_what_is_drafted_for_lattice_passes_and_is_audited(
    commands: Commands, lattice: LatticeProcess, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    drafting = f"smokegate init --openapi {lattice.url}/openapi.json {project}"
    first = inside(commands, tmp_path, drafting)
    assert first.code == 0, first.text
    run = inside(commands, project, "smokegate run")
    assert run.code == 0, run.text
    assert "PROCEED: all 14 checks" in run.out
    assert set(commands.outcomes.values()) == {"passed"}
    assert commands.last_run.version == lattice.version
    swept = commands.smokegate("sweep", project / "tests/smoke")
    assert "nothing of ours is left" in swept.out

    again = inside(commands, tmp_path, drafting)
    assert "added" not in again.out
    assert again.out.count("nothing new") == 2

    audited = inside(commands, project, "smokegate audit --json audit.json")
    assert audited.code == 0, audited.text
    audit = msgspec.json.decode((project / "audit.json").read_bytes(), type=Audit)
    assert audit.score >= 0.5
    assert audit.excluded == {}
    assert audit.over_catching == []
    assert {audit.layers[each].score for each in ("transport", "status")} == {1.0}


def test_the_documentation_shows_what_is_drafted(
    commands: Commands, lattice: LatticeProcess, tmp_path: Path
) -> None:
    """Its commands work in its order in one folder, and its check is the one that is drafted."""
    for name, text in SOURCES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    lines = re.findall(r"^smokegate (?:init --.*|run)$", DOCUMENTED, re.MULTILINE)
    assert len(lines) == 7
    for line in lines:
        done = inside(commands, tmp_path, line.replace("https://api.example.com", lattice.url))
        assert done.code == 0, done.text
    shown = re.search(r"^```python\n(.*?)^```", DOCUMENTED, re.MULTILINE | re.DOTALL)
    assert shown
    workflows = (tmp_path / "tests/smoke/test_critical_workflows.py").read_text("utf-8")
    assert shown[1] in workflows
    assert f'url = "{lattice.url}"' in (tmp_path / "smokegate.toml").read_text()


@pytest.mark.parametrize("answer", ["/nothing", "/docs"])
def test_a_url_without_a_description_is_one_line_and_exit_2(
    commands: Commands, lattice: LatticeProcess, tmp_path: Path, answer: str
) -> None:
    done = commands.smokegate("init", "--openapi", f"{lattice.url}{answer}", tmp_path)
    assert done.code == 2
    assert done.err.startswith(f"smokegate: {lattice.url}{answer}: ")
    assert done.err.count("\n") == 1
