from __future__ import annotations

from typing import Any

import msgspec
from smokegate.reports.page.before import compared
from smokegate.results import Action, Baseline, CheckResult, JudgedRun, Outcome

from tests.gate.reports import parts, runs

SUITES = {"health": "5e1f", "workflows": "5e1f"}


def against(*checks: CheckResult, **changes: Any) -> JudgedRun:
    earlier = {"suites": SUITES, "applied": [], "failed": {}, **changes}
    before = Baseline(
        run_id="20250131-233000-facade",
        target=parts.URL,
        version="1.4.1",
        started_at="2025-01-31T23:30:00.000Z",
        action=Action.PROCEED,
        **earlier,
    )
    return parts.judged(*checks, suites=SUITES, baseline=before)


def failing(name: str) -> CheckResult:
    return parts.failed(name, parts.exchange(status=503), "status is 200", "503")


def test_there_is_nothing_without_a_control_run() -> None:
    assert compared(runs.rollback()) == ""


def test_one_that_is_not_compared_with_says_why() -> None:
    made = compared(against(unusable="it is of <another> target"))
    assert "It is not compared with: it is of &lt;another&gt; target" in made
    assert "<table" not in made


def test_where_nothing_failed_that_is_said() -> None:
    made = compared(against())
    assert "Nothing failed before, and nothing does now." in made
    assert "version 1.4.1" in made


def test_each_way_of_changing_has_its_words() -> None:
    keys = {
        "health.test_cors_headers": ["GET /health: status is 200"],
        "health.test_error_handling": ["GET /health: it is said"],
        "health.test_database_connection": ["GET /health: status is 200", "and more"],
    }
    skipped = parts.check("health.test_redis_connection", Outcome.SKIPPED)
    made = compared(
        against(
            failing("health.test_cors_headers"),
            failing("health.test_error_handling"),
            failing("health.test_metrics_endpoint"),
            skipped,
            failed=keys,
            applied=["health.test_redis_connection", "health.test_metrics_endpoint"],
        )
    )
    for words in (
        "the same as before",
        "fails in another way",
        "<td>new</td>",
        "no longer applies",
        "fails no more",
        "failed: GET /health: status is 200 (and 1 more)",
    ):
        assert made.count(words) == 1, words


def test_times_stand_beside_those_before() -> None:
    measured = parts.check("health.test_api_response_time", samples={"GET /health": [0.1] * 20})
    run = msgspec.structs.replace(
        against(measured), earlier_samples={"GET /health": [[0.01] * 10, [0.02] * 10]}
    )
    made = compared(run)
    assert "100.0 ms, p95 100.0 ms of 20" in made
    assert "20.0 ms, p95 20.0 ms of 20" in made
    assert "<td>slower</td>" in made
    assert made.count('<rect class="then"') == 2


def test_times_that_are_too_few_tell_nothing() -> None:
    measured = parts.check("health.test_api_response_time", samples={"GET /health": [0.1] * 3})
    run = msgspec.structs.replace(against(measured), earlier_samples={"GET /health": [[0.01] * 20]})
    assert "too few to tell" in compared(run)
