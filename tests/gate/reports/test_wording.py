from __future__ import annotations

import msgspec
import pytest
from smokegate.reports.wording import (
    SIGNS,
    counts_in_words,
    leftovers_in_words,
    names_of,
    remarks,
    seconds,
    verdict_line,
    what_to_do,
    workflows_in_words,
)
from smokegate.results import Action, Outcome

from tests.gate.reports import parts, runs

MOMENT = "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("duration_s", "words"),
    [
        (0, "0 ms"),
        (0.0123, "12 ms"),
        (0.9994, "999 ms"),
        (0.9999, "1.00 s"),
        (1.25, "1.25 s"),
        (9.999, "10.0 s"),
        (12.34, "12.3 s"),
        (99.99, "1 min 40 s"),
        (119.7, "2 min 0 s"),
        (125, "2 min 5 s"),
        (1e308, f"{int(1e308) // 60} min {int(1e308) % 60} s"),
    ],
)
def test_durations_read_well_at_their_borders(duration_s: float, words: str) -> None:
    assert seconds(duration_s) == words


def test_every_outcome_has_a_sign_and_every_verdict_a_step() -> None:
    assert set(SIGNS) == set(Outcome)
    run = runs.proceed()
    for action in Action:
        verdict = msgspec.structs.replace(run.verdict, action=action)
        assert what_to_do(msgspec.structs.replace(run, verdict=verdict)).endswith(".")


@pytest.mark.parametrize("name", runs.RUNS)
def test_the_verdict_line_begins_with_the_verdict(name: str) -> None:
    run = runs.RUNS[name]()
    assert verdict_line(run).startswith(run.verdict.action.name)
    assert "\n" not in verdict_line(run)


def test_a_partial_run_says_so_in_the_verdict_line() -> None:
    run = parts.judged(only=parts.HEALTH, partial=True)
    assert verdict_line(run).startswith("PROCEED (partial): ")
    assert "nothing about the rest" in what_to_do(run)


def test_an_interrupted_run_is_to_be_run_again() -> None:
    assert "run again" in what_to_do(runs.interrupted())


def test_counts_leave_out_what_did_not_occur() -> None:
    assert counts_in_words(runs.proceed().verdict.counts) == (
        "18 passed, 2 warned, 1 skipped (1 flaky)"
    )
    assert counts_in_words(parts.judged(only=[]).verdict.counts) == "no checks"


def test_workflows_are_shown_as_a_share_of_those_that_apply() -> None:
    assert workflows_in_words(runs.monitor().verdict.counts) == "9 of 10 (90%)"
    assert workflows_in_words(parts.judged(only=parts.HEALTH).verdict.counts) == ""


def test_a_whole_suite_is_named_by_its_name() -> None:
    run = runs.down()
    assert names_of(run.checks, run) == "all 11 of health, all 10 of workflows"
    assert names_of(run.checks[:12], run) == (
        "all 11 of health, workflows.test_user_registration_flow"
    )


def test_remarks_tell_what_the_sign_does_not() -> None:
    by_id = {check.id: check for check in [*runs.rollback().checks, *runs.monitor().checks[-1:]]}
    assert remarks(by_id["workflows.test_subscription_flow"], MOMENT) == ["blocked"]
    pathfinding = by_id["workflows.test_lattice_pathfinding_flow"]
    assert remarks(pathfinding, MOMENT) == ["40 ms", "failed twice"]
    assert remarks(by_id["workflows.test_usage_v0"], MOMENT) == [
        "20 ms",
        "deprecated since 1.3, does not decide",
    ]


@pytest.mark.parametrize(
    ("until", "words"),
    [
        ("2026-01-02", "quarantined until 2026-01-02, does not decide: the plan is renewed late"),
        ("2026-01-01", "quarantine ended on 2026-01-01, counts again"),
    ],
)
def test_a_quarantine_is_told_and_so_is_its_end(until: str, words: str) -> None:
    check = parts.check(
        "health.test_it", quarantined_until=until, quarantine_reason="the plan is renewed late"
    )
    assert remarks(check, MOMENT) == ["20 ms", words]


def test_what_no_rollback_would_cure_is_said_to_who_must_decide() -> None:
    assert what_to_do(runs.mitigated()) == (
        "Do not go on yet: look into what did not pass. Rolling back would not cure it."
    )
    assert "rollback so far" in what_to_do(runs.investigate())


def test_what_is_left_is_said_once_for_each_reason() -> None:
    left = ["account a: POST /login: saw 500", "account b: POST /login: saw 500"]
    assert leftovers_in_words([*left, left[0], "lattice c: no time left"]) == [
        "account a and 1 more: POST /login: saw 500",
        "lattice c: no time left",
    ]
