from __future__ import annotations

import pytest
from hypothesis import given
from smokegate.reports.explanation import explanation
from smokegate.results import MissingSuite, Outcome

from tests.gate.golden import Golden
from tests.gate.reports import parts, runs
from tests.gate.reports.hostile import is_command, is_harmless, poisoned, texts


def told(name: str) -> str:
    return "\n".join(explanation(runs.RUNS[name](), width=100)) + "\n"


@pytest.mark.parametrize("name", runs.RUNS)
def test_the_explanation_reads_as_it_did(name: str, golden: Golden) -> None:
    golden(f"{name}/explanation.txt", told(name))


def test_both_ends_are_told_where_something_is_unknown() -> None:
    unsure = parts.check(parts.HEALTH[0], Outcome.UNKNOWN, reason="no network")
    text = "\n".join(explanation(parts.judged(unsure), width=100))
    assert "every unknown as passed; the first that holds wins" in text
    assert "every unknown as failed; the first that holds wins" in text
    assert "One end opens the gate and one closes it: inconclusive" in text


def test_a_missing_suite_is_an_end_of_its_own() -> None:
    missing = [MissingSuite(suite="health", reason="nothing found in health")]
    text = "\n".join(explanation(parts.judged(missing_suites=missing), width=100))
    assert "every unknown as passed; the first that holds wins" in text
    assert "every unknown as failed; the first that holds wins" in text
    assert "\n  → nobody knows what a missing suite would have said: the worst\n" in text
    assert "rollback: nothing found in health" in text
    assert "One end opens the gate and one closes it: inconclusive" in text


def test_two_ends_that_agree_are_told_to() -> None:
    unsure = parts.check(parts.HEALTH[0], Outcome.UNKNOWN, reason="no network")
    broken = parts.failed(parts.HEALTH[1], parts.exchange(), "status is 200", "503")
    text = "\n".join(explanation(parts.judged(unsure, broken), width=100))
    assert "Both ends agree: rollback" in text


def test_rules_below_the_one_that_held_are_not_told() -> None:
    assert "too few workflows passed" not in told("rollback")


def test_what_was_interrupted_is_not_derived_from_rules() -> None:
    assert "The rules in their order" not in told("interrupted")


@given(texts)
def test_nothing_that_the_target_sent_can_act(text: str) -> None:
    for name in ("rollback", "mitigated", "proceed", "down"):
        lines = explanation(poisoned(runs.RUNS[name](), text), width=100)
        assert is_harmless("\n".join(lines))
        assert not any(map(is_command, lines))
