from __future__ import annotations

import pytest
from hypothesis import given
from smokegate.reports.summary import summary
from smokegate.reports.wording import verdict_line
from smokegate.seal import sealed

from tests.gate.golden import Golden
from tests.gate.reports import parts, runs
from tests.gate.reports.hostile import is_command, is_harmless, poisoned, texts


@pytest.mark.parametrize("name", runs.RUNS)
def test_the_summary_reads_as_it_did(name: str, golden: Golden) -> None:
    golden(f"{name}/summary.txt", summary(runs.RUNS[name]()))


@pytest.mark.parametrize("name", runs.RUNS)
def test_the_verdict_comes_first_and_every_check_is_there(name: str) -> None:
    run = runs.RUNS[name]()
    text = summary(run)
    assert text.startswith(verdict_line(run)[:60])
    for check in run.checks:
        assert check.name in text


def test_one_cause_is_told_once() -> None:
    text = summary(runs.down())
    assert text.count("the service is not running") == 1
    assert "all 11 of health, all 10 of workflows" in text


def test_leftovers_notes_and_a_missing_suite_are_named() -> None:
    text = summary(runs.interrupted())
    assert "Left behind\n  - account smoketest-4f1c@example.com" in text
    assert "Notes\n  - the target serves several versions" in text
    assert "? missing: test_critical_workflows.py: ImportError" in summary(runs.inconclusive())


def test_a_run_without_any_check_has_a_summary() -> None:
    assert summary(parts.judged(only=[])).startswith("INCONCLUSIVE: no check was run")


@given(texts)
def test_nothing_that_the_target_sent_can_act(text: str) -> None:
    for name in ("rollback", "proceed", "interrupted", "down"):
        shown = summary(poisoned(runs.RUNS[name](), text))
        assert is_harmless(shown)
        assert not any(is_command(line) for line in shown.split("\n"))
        shown.encode("utf-8")  # raises nothing


def test_the_seal_can_be_compared() -> None:
    run = sealed(runs.rollback(), "")
    assert run.seal is not None
    assert f"seal {run.seal.head[:12]}" in summary(run)
