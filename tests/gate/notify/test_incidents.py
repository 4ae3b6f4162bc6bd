"""What runs change about an incident."""

from __future__ import annotations

from itertools import count

import msgspec
import pytest
from smokegate.notify.incidents import Incident, after, key_of
from smokegate.results import Action, Consequence, JudgedRun, Outcome
from smokegate.settings import Settings

from tests.gate.history.runs import failing, run
from tests.gate.samples import healthy, result

SLACK = Settings(alert_slack="x")
BOTH = Settings(alert_slack="x", alert_pagerduty="y" * 20)
_NUMBERS = count(1)


def investigate(minutes: float = 0, **changes: object) -> JudgedRun:
    odd = result("odd", Outcome.FAILED, Consequence.INVESTIGATE, suite="health")
    return run(next(_NUMBERS), healthy(), odd, minutes=minutes, **changes)


def rollback(minutes: float = 0, **changes: object) -> JudgedRun:
    return failing(next(_NUMBERS), minutes=minutes, **changes)


def good(minutes: float = 0, **changes: object) -> JudgedRun:
    return run(next(_NUMBERS), minutes=minutes, **changes)


def inconclusive(minutes: float = 0) -> JudgedRun:
    unknown = result("up", Outcome.UNKNOWN, suite="health")
    return run(next(_NUMBERS), unknown, minutes=minutes)


def told(settings: Settings, *runs: JudgedRun, only_changes: bool = False) -> list[str]:
    """What is told of runs, one after the other, each in words."""
    there, words = Incident(key="key"), []
    for each in runs:
        there, tell = after(there, each, settings, only_changes=only_changes)
        words += [f"{one.kind.value} {'+'.join(one.channels)}" for one in tell] or ["-"]
    return words


def test_forty_failing_runs_are_one_incident() -> None:
    said = told(SLACK, good(), *(rollback(minutes) for minutes in range(40)), good(), good())
    assert [each for each in said if each != "-"] == ["opened slack", "resolved slack"]
    assert said[1] == "opened slack"
    assert said[-2] == "resolved slack"


def test_one_that_comes_back_is_another() -> None:
    said = told(SLACK, rollback(), good(), rollback(), good())
    assert said == ["opened slack", "resolved slack"] * 2


def test_a_worse_verdict_is_told_once() -> None:
    runs = investigate(), rollback(), investigate(), rollback(), good()
    assert told(SLACK, *runs) == ["opened slack", "worse slack", "-", "-", "resolved slack"]


def test_without_an_answer_it_stays_as_it_is() -> None:
    assert inconclusive().verdict.action is Action.INCONCLUSIVE
    assert told(SLACK, inconclusive(), rollback(), inconclusive(), rollback()) == [
        *("-", "opened slack", "-", "-")
    ]


def test_which_verdicts_are_bad_is_a_setting() -> None:
    wary = msgspec.structs.replace(SLACK, alert_on=("inconclusive", "rollback"))
    assert told(wary, inconclusive(), investigate(), rollback(), good()) == [
        *("opened slack", "-", "worse slack", "resolved slack")
    ]


def test_reminders_come_after_as_long_as_is_set_but_not_of_changes_alone() -> None:
    patient = msgspec.structs.replace(SLACK, alert_remind_after_s=600.0)
    runs = [rollback(minutes) for minutes in (0, 5, 10, 15, 20)]
    assert told(patient, *runs) == ["opened slack", "-", "still slack", "-", "still slack"]
    assert told(patient, *runs, only_changes=True) == ["opened slack", *"----"]


def test_a_worse_verdict_is_reminder_enough() -> None:
    patient = msgspec.structs.replace(SLACK, alert_remind_after_s=600.0)
    assert told(patient, investigate(0), rollback(9), rollback(11), rollback(19)) == [
        *("opened slack", "worse slack", "-", "still slack")
    ]


def test_some_channels_hear_only_of_what_goes_on() -> None:
    later = msgspec.structs.replace(BOTH, alert_escalate=("pagerduty",))
    runs = rollback(0), rollback(1), rollback(2), rollback(3), good(4)
    assert told(later, *runs) == [
        *("opened slack", "-", "opened pagerduty", "-", "resolved slack+pagerduty")
    ]
    assert told(later, rollback(), good()) == ["opened slack", "resolved slack"]
    sooner = msgspec.structs.replace(later, alert_escalate_after_s=60.0)
    assert told(sooner, *runs)[1] == "opened pagerduty"


def test_a_channel_that_is_set_meanwhile_is_told() -> None:
    there, _ = after(Incident(key="key"), rollback(), SLACK)
    there, tell = after(there, rollback(), BOTH)
    assert [(each.kind.value, each.channels) for each in tell] == [("opened", ("pagerduty",))]
    # A runner that does not know how to tell some of them leaves that to one that does.
    _, tell = after(there, good(), SLACK)
    assert [(each.kind.value, each.channels) for each in tell] == [
        ("resolved", ("slack", "pagerduty"))
    ]


def test_another_version_is_told_but_not_the_first() -> None:
    runs = good(version="1"), good(version=""), good(version="2"), rollback(version="3")
    assert told(SLACK, *runs) == ["-", "-", "deployed slack", "deployed slack", "opened slack"]


def test_a_run_that_is_told_twice_counts_once() -> None:
    once = rollback()
    assert told(SLACK, once, once) == ["opened slack", "-"]


def test_the_key_is_that_of_target_environment_and_suites() -> None:
    assert key_of(run()) == "smokegate-48f9e656af3e2e48bd991b878c93b578"
    same = failing(7, version="2", minutes=9, suites={"run": "2", "workflows": "x", "health": "y"})
    assert key_of(same) == key_of(run())
    for other in (
        {"environment": "staging"},
        {"target": "https://api.example.org"},
        {"suites": {"health": "h1"}},
    ):
        assert key_of(run(1, **other)) != key_of(run())


@pytest.mark.parametrize("text", ["\ud800", "x" * 10_000])
def test_any_text_has_a_key(text: str) -> None:
    assert len(key_of(run(1, environment=text))) < 64
