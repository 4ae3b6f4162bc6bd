"""The action for GitHub: its shell parts are run as they are, with every exit code."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from smokegate.results import from_json

from tests.system.command import BIN, ROOT, Commands, Done
from tests.system.pipelines import CODES, GITHUB, GUIDE, StandIn, documented
from tests.system.small_service import small_service, suite_and_settings
from tests.system.test_tutorial import code_blocks

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


@pytest.fixture
def stand_in(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path)


class Step(NamedTuple):
    done: Done
    outputs: dict[str, str]


def github(stand_in: StandIn, code: int, **inputs: str) -> tuple[list[str], dict[str, str]]:
    """The command of the step that verifies, and its environment."""
    (step,) = (each for each in ACTION["runs"]["steps"] if each.get("id") == "verify")
    given = {"url": "https://api.example.com", **inputs}
    defaults = {name: about.get("default", "") for name, about in ACTION["inputs"].items()}
    values = defaults | {name.replace("_", "-"): value for name, value in given.items()}
    told = {
        name: values[re.fullmatch(r"\$\{\{ inputs\.(.+) \}\}", text)[1]]  # type: ignore[index]
        for name, text in step["env"].items()
    }
    folder = stand_in.folder.parent
    (folder / "smokegate/bin").mkdir(parents=True, exist_ok=True)
    shutil.copy(stand_in.program, folder / "smokegate/bin/smokegate")
    environment = {
        **stand_in.environment(code),
        **told,
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_OUTPUT": str(folder / "outputs"),
        "RUNNER_TEMP": str(folder),
    }
    return ["bash", "-e", "-o", "pipefail", "-c", step["run"]], environment


def github_step(stand_in: StandIn, code: int, **inputs: str) -> Step:
    command, environment = github(stand_in, code, **inputs)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    outputs = Path(environment["GITHUB_OUTPUT"])
    lines = outputs.read_text().splitlines() if outputs.exists() else []
    return Step(
        Done(done.returncode, done.stdout, done.stderr),
        dict(line.split("=", 1) for line in lines),
    )


@pytest.mark.parametrize("code", CODES)
def test_a_step_of_github_ends_as_the_table_says(code: int, stand_in: StandIn) -> None:
    done, outputs = github_step(stand_in, code)
    passes, warns = (
        documented(GITHUB)[code].startswith("passes"),
        "warning" in documented(GITHUB)[code],
    )
    assert done.code == (0 if passes else code)
    assert ("::warning " in done.out) is warns
    assert outputs["exit-code"] == str(code)
    assert outputs["run-file"].startswith(outputs["results"])


@pytest.mark.parametrize(
    ("fail_on", "code", "fails"),
    [
        ("none", 20, False),
        ("rollback", 10, False),
        ("rollback", 20, True),
        ("rollback, investigate", 10, True),
        ("monitor rollback", 5, True),
        ("none", 2, True),
        ("none", 1, True),
    ],
)
def test_what_fails_a_step_can_be_said(
    fail_on: str, code: int, fails: bool, stand_in: StandIn
) -> None:
    done, _ = github_step(stand_in, code, fail_on=fail_on)
    assert done.code == (code if fails else 0)
    assert ("--strict" in stand_in.arguments) is ("monitor" in fail_on)


def test_a_verdict_that_is_misspelt_is_no_way_to_let_it_pass(stand_in: StandIn) -> None:
    done, _ = github_step(stand_in, 20, fail_on="rolback")
    assert done.code == 2
    assert "::error title=smokegate::fail-on: there is no verdict 'rolback'" in done.out
    assert not stand_in.notes.exists()


def test_every_input_of_the_action_arrives_as_it_was_written(stand_in: StandIn) -> None:
    given = {
        "url": "https://api.example.com/$(id)",
        "suites": "a\nb\n",
        "environment": "it's `two` words",
        "expect_version": "auto",
        "baseline": "before.json",
        "save_baseline": "after.json",
        "act": "true",
    }
    _, outputs = github_step(stand_in, 0, **given)
    assert stand_in.arguments == [
        *("run", "a", "b", "--url", "https://api.example.com/$(id)"),
        *("--environment", "it's `two` words"),
        *("--results", outputs["results"], "--json", outputs["run-file"]),
        *("--expect-version", "auto", "--baseline", "before.json"),
        *("--save-baseline", "after.json", "--act"),
    ]


def test_the_verdict_of_a_real_run_reaches_the_workflow(stand_in: StandIn, tmp_path: Path) -> None:
    suites, settings = suite_and_settings(tmp_path)
    stand_in.says(f'#!/bin/sh\nexec "{BIN}/smokegate" "$@"\n')
    with small_service() as (url, state):
        state.version = "2"
        command, environment = github(stand_in, 0, url=url, suites=str(suites))
        commands = Commands(tmp_path, {**settings, **environment, "GITHUB_ACTIONS": "true"})
        done = commands(*command)
    assert done.code == 20, done.text
    outputs = Path(environment["GITHUB_OUTPUT"]).read_text()
    assert re.search(r"^verdict<<(\S+)\nrollback\n\1$", outputs, re.MULTILINE)
    run_file = re.search(r"^run-file=(.+)$", outputs, re.MULTILINE)
    assert run_file
    assert from_json(Path(run_file[1]).read_bytes()).verdict.action.value == "rollback"


SLOW = """#!/bin/sh
trap 'exit 30' TERM
echo begun
while :; do sleep 0.1; done
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_workflow_that_is_cancelled_ends_the_run(sent: int, stand_in: StandIn) -> None:
    stand_in.says(SLOW)
    command, environment = github(stand_in, 0)
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        process.send_signal(sent)
        assert process.wait() == 30
    assert "exit-code=30" in Path(environment["GITHUB_OUTPUT"]).read_text()


def test_the_action_hands_on_what_its_step_tells() -> None:
    told = {"exit-code", "run-file", "verdict", "reason", "partial", "run-id"}
    assert set(ACTION["outputs"]) == told | {"rolled-back-to", "rollback-helped"}
    for name, about in ACTION["outputs"].items():
        assert about["value"] == f"${{{{ steps.verify.outputs.{name} }}}}"
        assert f"`{name}`" in GUIDE
    for name, about in ACTION["inputs"].items():
        row = next(line for line in GUIDE.splitlines() if re.match(rf"\| .*`{name}`.* \|", line))
        default = about.get("default", "")
        assert row.split("|")[2].strip() == (f"`{default}`" if default else "")


def test_the_action_installs_with_the_uv_that_is_tested() -> None:
    pinned = re.compile(r"^(?:UV_VERSION :=|uv_version=) ?(\S+)$", re.MULTILINE)
    files = ("Makefile", "deploy/github/install.sh")
    assert len({pinned.search((ROOT / file).read_text())[1] for file in files}) == 1  # type: ignore[index]


def test_the_workflows_of_the_guide_are_sound(tmp_path: Path) -> None:
    """By the rules of actionlint, and by GitHub's schema."""
    workflows = [each for each in code_blocks(GUIDE, "yaml") if "uses:" in each]
    assert len(workflows) == 2
    check = Commands(tmp_path)
    check.environment["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"  # where shellcheck is
    for number, text in enumerate(workflows):
        file = tmp_path / f".github/workflows/{number}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        for linter in (
            ("jactionlint", "--profile=correctness"),
            ("check-jsonschema", "--builtin-schema", "vendor.github-workflows"),
        ):
            held = check(BIN / linter[0], *linter[1:], file)
            assert held.code == 0, held.text
