"""The interlock: each reason not to act, alone and in its words, and acting once."""

from __future__ import annotations

import os
import resource
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from smokegate.act import act_on, claim, command_of, record_of, refusal
from smokegate.errors import UsageError
from smokegate.results import Action, JudgedRun, Outcome, Run, from_json
from smokegate.settings import Settings
from smokegate.verdict import judge

from tests.gate.samples import baseline, result, run_of

BROKEN = result("h", Outcome.FAILED, suite="health")
PYTHON = shlex.quote(sys.executable)


def judged(*checks: Any, **changes: Any) -> JudgedRun:
    run = msgspec.structs.replace(run_of(*(checks or (BROKEN,)), baseline=baseline()), **changes)
    fields = {name: getattr(run, name) for name in Run.__struct_fields__}
    return JudgedRun(**fields, verdict=judge(run))


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Settings]:
    """Settings with a command, and the state in a folder of the test's."""

    def settings(**changes: Any) -> Settings:
        return Settings(
            **{
                "rollback_command": f"{PYTHON} -c 'print(1)'",
                "journal": str(tmp_path / "state"),
                **changes,
            }
        )

    return settings


def test_nothing_speaks_against_a_plain_rollback(configured: Callable[..., Settings]) -> None:
    assert judged().verdict.action is Action.ROLLBACK
    assert refusal(judged(), configured()) == ""


REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "part": ({"partial": True}, {}, "only a part of the checks was selected"),
    "no baseline": ({"baseline": None}, {}, "there is no control run; save one"),
    "unusable": ({"baseline": baseline(unusable="it is old")}, {}, "is of no use: it is old"),
    "failed before": (
        {"baseline": baseline(action=Action.ROLLBACK)},
        {},
        "control run 20251231-235900-fedcba ended as rollback too; decide by hand",
    ),
    "investigated before": (
        {"baseline": baseline(action=Action.INVESTIGATE)},
        {},
        "ended as investigate too",
    ),
    "no answer before": (
        {"baseline": baseline(action=Action.INCONCLUSIVE)},
        {},
        "ended as inconclusive too",
    ),
    "version before unknown": (
        {"baseline": baseline(version="")},
        {},
        "does not know which version it saw",
    ),
    "same version": (
        {"baseline": baseline(version="1.0.0")},
        {},
        "saw version 1.0.0 too, so there is none to go back to",
    ),
    "same version, written otherwise": (
        {"baseline": baseline(version="v1.0.0")},
        {},
        "saw version 1.0.0 too, so there is none to go back to",
    ),
    "same build of what is expected": (
        {"version": "1.0.0+7", "baseline": baseline(version="1.0.0+7")},
        {"expect_version": "1.0.0"},
        "saw version 1.0.0+7 too, so there is none to go back to",
    ),
    "version now unknown": ({"version": ""}, {}, "not known which version was deployed"),
    "expected is the same": (
        {"version": ""},
        {"expect_version": "0.9.0"},
        "saw version 0.9.0 too",
    ),
    "no version": (
        {"baseline": baseline(version="1; rm -rf /")},
        {},
        "'1; rm -rf /' does not look like a version",
    ),
    "an option": ({"baseline": baseline(version="--force")}, {}, "does not look like a version"),
    "zero byte": ({"version": "2\0"}, {}, r"'2\x00' does not look like a version"),
    "no command": ({}, {"rollback_command": ""}, "there is no rollback_command"),
    "no program": (
        {},
        {"rollback_command": "no-such-program --now"},
        "there is no program 'no-such-program'",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_speaks_against_it_is_said(name: str, configured: Callable[..., Settings]) -> None:
    changes, settings, words = REFUSALS[name]
    reason = refusal(judged(**changes), configured(**settings))
    assert words in reason
    assert len(reason.splitlines()) == 1


@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.UNKNOWN])
def test_another_verdict_never_calls_for_it(
    outcome: Outcome, configured: Callable[..., Settings]
) -> None:
    run = judged(result("h", outcome, suite="health"))
    assert refusal(run, configured()).endswith("not rollback")
    shown: list[str] = []
    assert act_on(run, configured(), os.environ, shown.append, in_earnest=True) == ""
    assert shown == []


def test_an_interrupted_run_never_calls_for_it(configured: Callable[..., Settings]) -> None:
    assert "not rollback" in refusal(judged(interrupted="SIGTERM"), configured())


def test_a_version_that_is_not_served_may_be_the_expected_one(
    configured: Callable[..., Settings],
) -> None:
    run = judged(version="")
    assert refusal(run, configured(expect_version="1.0.0")) == ""
    assert refusal(run, configured(deployment="release-7")) == ""


def test_a_deployment_is_acted_on_once(configured: Callable[..., Settings]) -> None:
    run, settings = judged(), configured()
    assert claim(run, settings) == ""
    again = msgspec.structs.replace(run, run_id="20260101-010000-123456")
    for reason in (refusal(again, settings), claim(again, settings)):
        assert reason == (
            f"this deployment was acted on before; to act again, remove {record_of(run, settings)}"
        )


def test_deployments_are_told_apart(configured: Callable[..., Settings]) -> None:
    run = judged()
    records = {
        record_of(run, configured()),
        record_of(msgspec.structs.replace(run, version="1.0.1"), configured()),
        record_of(msgspec.structs.replace(run, target="https://b.example.com"), configured()),
        record_of(run, configured(deployment="release-7")),
        record_of(run, configured(deployment="release-8")),
    }
    assert len(records) == 5
    expected = configured(expect_version="v1.0.0")
    down = msgspec.structs.replace(run, version="")
    assert record_of(run, expected) == record_of(down, expected)
    named = configured(deployment="release-7")
    other = msgspec.structs.replace(run, version="1.0.1")
    assert record_of(run, named) == record_of(other, named)


@pytest.mark.parametrize("hostile", ["file", "folder", "dangling link"])
def test_whatever_stands_at_the_record_s_place_counts_as_one(
    hostile: str, configured: Callable[..., Settings], tmp_path: Path
) -> None:
    run, settings = judged(), configured()
    record = record_of(run, settings)
    record.parent.mkdir(parents=True)
    if hostile == "file":
        record.write_bytes(b"\xff\0" * 1000)
    elif hostile == "folder":
        record.mkdir()
    else:
        record.symlink_to(tmp_path / "elsewhere")
    assert "acted on before" in refusal(run, settings)
    assert "acted on before" in claim(run, settings)
    assert not (tmp_path / "elsewhere").exists()


def test_what_cannot_be_recorded_is_not_done(
    configured: Callable[..., Settings], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    reason = claim(judged(), configured(journal=str(tmp_path / "file")))
    assert reason.endswith("cannot be written: File exists")


def test_a_full_disk_makes_no_record_of_what_was_not_done(
    configured: Callable[..., Settings],
) -> None:
    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, was[1]))
    try:
        assert claim(judged(), configured()) == ""
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, was)
    assert "acted on before" in refusal(judged(), configured())


TELL = """
import os, sys
open(sys.argv[1], "w").write(sys.stdin.read())
print(*(os.environ["SMOKEGATE_" + name] for name in sys.argv[2:]))
print("key", os.environ["SERVICE_TOKEN"], os.environ["PWD"])
"""


def test_the_command_is_told_what_it_is_about(
    configured: Callable[..., Settings], tmp_path: Path
) -> None:
    (tmp_path / "tell.py").write_text(TELL)
    names = "RUN_ID VERDICT TARGET VERSION ROLLBACK_TO"
    settings = configured(
        rollback_command=f"{PYTHON} {tmp_path}/tell.py {tmp_path}/run.json {names}"
    )
    run, shown = judged(), list[str]()
    environ = {**os.environ, "SERVICE_TOKEN": "s3cr3t-of-the-service", "PWD": "/somewhere/else"}
    assert act_on(run, settings, environ, shown.append, in_earnest=True) == "0.9.0"
    assert shown[0] == f"Going back to version 0.9.0: {settings.rollback_command}"
    assert shown[1:] == [
        f"  | {run.run_id} rollback https://api.example.com 1.0.0 0.9.0",
        "  | key [redacted] /somewhere/else",
        "The rollback command has ended.",
    ]
    assert from_json((tmp_path / "run.json").read_bytes()) == run
    shown.clear()
    assert act_on(run, settings, environ, shown.append, in_earnest=True) == ""
    assert shown[0].startswith("Rollback refused: this deployment was acted on before")


def test_the_command_is_shown_without_its_secrets(configured: Callable[..., Settings]) -> None:
    settings = configured(
        rollback_command=f"{PYTHON} -c pass --token=Gehe1mnis-1 --password Gehe1mnis-2 "
        "SmokeTest123!@# postgresql://anna:Gehe1mnis-3@db/x",
    )
    shown = list[str]()
    for in_earnest in False, True:
        act_on(judged(), settings, {"DEPLOY_TOKEN": "s3cr3t"}, shown.append, in_earnest=in_earnest)
    assert len(shown) == 3
    assert not [line for line in shown if "Gehe1mnis" in line or "SmokeTest" in line]
    assert "--token=[redacted] --password [redacted]" in shown[0]


def test_a_dry_run_says_what_would_be_done_and_does_nothing(
    configured: Callable[..., Settings], tmp_path: Path
) -> None:
    command = f"{PYTHON} -c 'open({str(tmp_path / 'done')!r}, \"w\")'"
    settings, shown = configured(rollback_command=command), list[str]()
    assert act_on(judged(), settings, os.environ, shown.append, in_earnest=False) == ""
    assert shown[0].startswith("With --act this would go back to version 0.9.0: ")
    assert not (tmp_path / "done").exists()
    assert not record_of(judged(), settings).exists()
    refused = act_on(judged(partial=True), settings, os.environ, shown.append, in_earnest=False)
    assert (refused, shown[1]) == (
        "",
        "With --act, refused: only a part of the checks was selected; verify with all of them.",
    )


def test_a_command_that_fails_is_said_and_the_target_is_looked_at_again(
    configured: Callable[..., Settings],
) -> None:
    settings = configured(rollback_command=f"{PYTHON} -c 'raise SystemExit(3)'")
    shown: list[str] = []
    assert act_on(judged(), settings, os.environ, shown.append, in_earnest=True) == "0.9.0"
    assert shown[-1] == "The rollback command failed: it ended with exit code 3."


def test_a_command_is_divided_as_a_shell_does_and_nothing_is_expanded() -> None:
    assert command_of(Settings(rollback_command="a 'b c' $HOME ; d")) == [
        *("a", "b c", "$HOME", ";", "d")
    ]
    with pytest.raises(UsageError, match="rollback_command cannot be divided into words: No clos"):
        command_of(Settings(rollback_command="a 'b"))
