"""What became worse since the last good run."""

from __future__ import annotations

from typing import Any

import pytest
from smokegate.reports.last_good import (
    LastGood,
    changes_in_words,
    no_longer_passing,
    no_longer_there,
    slower,
)
from smokegate.results import Action, MissingSuite, Outcome

from tests.gate.reports import parts, runs

LOGIN, DATABASE = "workflows.test_user_login_flow", "health.test_database_connection"
USUAL_S = [0.2, 0.3, 0.31, 0.32, 0.5]


def good(**changes: Any) -> LastGood:
    there: dict[str, Any] = {"passed": sorted(parts.TITLES), "durations_s": {}, **changes}
    return LastGood(
        run_id="20250131-120000-facade",
        version="1.4.1",
        started_at="2025-01-31T12:00:00Z",
        action=Action.MONITOR,
        **there,
    )


def test_what_passed_then_and_does_not_now_is_told() -> None:
    run = runs.mitigated()
    failing = {each.id for each in run.everything if each.outcome is Outcome.FAILED}
    assert {each.id for each in no_longer_passing(run, good())} == failing
    without = good(passed=sorted({*parts.TITLES} - {DATABASE}))
    assert {each.id for each in no_longer_passing(run, without)} == failing - {DATABASE}


def test_what_does_not_apply_any_more_is_told_and_no_alarm() -> None:
    run = runs.proceed()
    assert [each.outcome for each in no_longer_passing(run, good())] == [Outcome.SKIPPED]
    assert changes_in_words(run, good()) == ""


def test_what_is_gone_is_told_of_whole_runs_alone() -> None:
    gone = good(passed=[*parts.TITLES, "workflows.test_gone"])
    assert no_longer_there(parts.judged(), gone) == ["workflows.test_gone"]
    assert no_longer_there(parts.judged(partial=True), gone) == []
    missing = [MissingSuite(suite="workflows", reason="not found")]
    assert no_longer_there(parts.judged(missing_suites=missing), gone) == []


@pytest.mark.parametrize(
    ("now_s", "earlier_s", "is_told"),
    [
        (0.7, USUAL_S, True),
        (0.7, USUAL_S[1:], False),  # too few of them
        (0.7, [*USUAL_S, 0.8], False),  # it happened before
        (0.6, [0.31] * 5, False),  # less than twice as long
        (0.09, [0.001] * 5, False),  # nobody would mind
    ],
)
def test_what_takes_notably_longer_is_told(
    now_s: float, earlier_s: list[float], is_told: bool
) -> None:
    before = good(durations_s={LOGIN: earlier_s})
    late = parts.check(LOGIN, duration_s=now_s)
    assert [each.check for each in slower(parts.judged(late), before)] == [late] * is_told
    for other in (
        parts.check(LOGIN, Outcome.WARNED, duration_s=now_s, flaky=True),
        parts.check(LOGIN, Outcome.UNKNOWN, duration_s=now_s),
    ):
        assert slower(parts.judged(other), before) == []


def test_the_slowest_comes_first() -> None:
    before = good(durations_s={LOGIN: USUAL_S, DATABASE: USUAL_S})
    late = parts.check(DATABASE, duration_s=2.0), parts.check(LOGIN, duration_s=3.0)
    assert [each.check.id for each in slower(parts.judged(*late), before)] == [LOGIN, DATABASE]


def test_a_sentence_says_it_all() -> None:
    broken = parts.failed(DATABASE, parts.exchange(status=503), "status is 200", "503")
    late = parts.check(LOGIN, duration_s=0.7)
    said = changes_in_words(parts.judged(broken, late), good(durations_s={LOGIN: USUAL_S}))
    assert said == (
        "Since the last good run (20250131-120000-facade of version 1.4.1, "
        "2025-01-31 12:00:00 UTC, monitor), "
        "no longer passing: health.test_database_connection; "
        "slower: workflows.test_user_login_flow (700 ms, was 310 ms)"
    )
    assert changes_in_words(parts.judged(), good()) == ""


def test_many_are_not_all_named() -> None:
    assert changes_in_words(runs.down(), good()).endswith("all 11 of health, all 10 of workflows")
    late = [parts.check(name, duration_s=1.0) for name in parts.TITLES]
    before = good(durations_s=dict.fromkeys(parts.TITLES, USUAL_S))
    assert changes_in_words(parts.judged(*late), before).endswith(" and 16 more")
