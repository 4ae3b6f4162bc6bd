"""Trends day by day: what was counted is what the results say."""

from __future__ import annotations

from collections import Counter, defaultdict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from smokegate.history.measures import histogram_quantile, pass_rate, share
from smokegate.history.rows import DAY_MS
from smokegate.history.store import Store
from smokegate.history.tables import BUCKETS_S, RUN_BUCKETS_S
from smokegate.history.tallies import RunTally, Tally, runs_together, together
from smokegate.history.trends import (
    check_days,
    check_tallies,
    environment_days,
    environment_tallies,
    run_days,
    slowest,
    suite_tallies,
)
from smokegate.results import CheckResult, Outcome

from tests.gate.history import model
from tests.gate.history.histories import BEGIN_MS, History, histories, stored, take_in
from tests.gate.history.runs import failing, run
from tests.gate.samples import healthy, result

DAY = 60 * 24


def tells(tally: Tally, results: list[CheckResult]) -> bool:
    """Whether a tally says of results what a look at each of them does."""
    counted = [each for each in results if each.outcome is not Outcome.SKIPPED]
    within = [sum(each.duration_s <= bound for each in counted) for bound in BUCKETS_S]
    outcomes = Counter(each.outcome for each in counted)
    return (
        tally.pass_rate == pass_rate([each.outcome.value for each in results])
        and tally.retries == share(sum(each.flaky for each in counted), len(counted))
        and tally.failed == outcomes[Outcome.FAILED] + outcomes[Outcome.BLOCKED]
        and tally.warned == outcomes[Outcome.WARNED]
        and tally.unknown == outcomes[Outcome.UNKNOWN]
        and tally.buckets == within
        and tally.p95 == histogram_quantile(BUCKETS_S, within, len(counted), 0.95)
        and tally.p50 == histogram_quantile(BUCKETS_S, within, len(counted), 0.5)
    )


@stored
@given(histories(), st.sampled_from(["", "production"]))
def test_what_was_counted_is_what_the_results_say(
    store: Store, history: History, environment: str
) -> None:
    take_in(store, history)
    results: dict[str, list[CheckResult]] = defaultdict(list)
    there = [each for each in model.runs_in(history) if each.environment.startswith(environment)]
    for each in (check for made in there for check in made.everything):
        results[each.id].append(each)
    with store.reading() as connection:
        tallies = {each.check: each for each in check_tallies(connection, environment=environment)}
        days = {check: check_days(connection, check, environment=environment) for check in results}
        runs = run_days(connection, environment=environment)
    counted = {
        check
        for check, some in results.items()
        if any(each.outcome is not Outcome.SKIPPED for each in some)
    }
    assert set(tallies) == counted
    for check in counted:
        assert tells(tallies[check], results[check])
        assert [each.day for each in days[check]] == ["2026-01-01"]
        assert tells(together(days[check]), results[check])
        suites = {each.suite: each for each in suite_tallies(tallies.values())}
        of_suite = [c for name in results for c in results[name] if c.suite == check.split(".")[0]]
        assert tells(suites[check.split(".")[0]], of_suite)
    whole = [each for each in there if not each.partial]
    assert len(runs) == bool(whole)
    with store.reading() as connection:
        for tally in environment_tallies(connection):
            days_there = run_days(connection, environment=tally.environment)
            assert msgspec.structs.asdict(runs_together(days_there)) == {
                name: getattr(tally, name) for name in RunTally.__struct_fields__
            }
    for day in runs:
        assert day.verdicts == Counter(each.verdict.action.value for each in whole)
        within = [sum(each.duration_s <= bound for each in whole) for bound in RUN_BUCKETS_S]
        assert day.p95 == histogram_quantile(RUN_BUCKETS_S, within, len(whole), 0.95)
        outcomes = [each.outcome.value for made in whole for each in made.everything]
        assert day.pass_rate == pass_rate(outcomes)


def test_days_are_in_order_and_those_of_utc(store: Store) -> None:
    take_in(
        store,
        [
            run(3, minutes=2 * DAY),
            run(1, healthy(), started_at="2026-01-01T23:59:59.999Z"),
            run(2, result("up", Outcome.FAILED, suite="health"), minutes=1.5 * DAY),
        ],
    )
    with store.reading() as connection:
        found = check_days(connection, "health.up")
        assert [(each.day, each.passed, each.total) for each in found] == [
            ("2026-01-01", 1, 1),
            ("2026-01-02", 0, 1),
            ("2026-01-03", 1, 1),
        ]
        assert [each.opened.part for each in run_days(connection)] == [1, 0, 1]
        since = BEGIN_MS + DAY_MS + 5
        assert [each.day for each in check_days(connection, "health.up", since_ms=since)] == [
            "2026-01-02",
            "2026-01-03",
        ], "the day of the moment is there as a whole"
        assert check_days(connection, "health.other") == []
        assert check_days(connection, "health.up", environment="staging") == []


def test_days_of_environments_are_those_of_each(store: Store) -> None:
    there: History = [
        run(1),
        failing(2, minutes=5),
        run(3, minutes=DAY),
        run(4, minutes=DAY, environment="staging"),
        run(5, environment="elsewhere"),
    ]
    take_in(store, there)
    names = ["production", "staging", "nowhere"]
    with store.reading() as connection:
        found = environment_days(connection, names)
        for name in names[:2]:
            assert found.pop(name) == run_days(connection, environment=name)
        assert found == {}
        since = environment_days(connection, names, since_ms=BEGIN_MS + DAY_MS)
    assert {name: [each.day for each in days] for name, days in since.items()} == {
        "production": ["2026-01-02"],
        "staging": ["2026-01-02"],
    }


def test_days_together_are_one_tally(store: Store) -> None:
    take_in(store, [run(1, duration_s=0.5), run(2, minutes=DAY, duration_s=70.0)])
    with store.reading() as connection:
        both = runs_together(run_days(connection))
    assert both.verdicts == {"proceed": 2}
    assert (both.opened.part, both.opened.total, both.pass_rate.total) == (2, 2, 4)
    assert both.p95.value_s == pytest.approx(60 + 0.9 * 60)


def test_the_slowest_checks_come_first(store: Store) -> None:
    checks = [result("quick", duration_s=0.01), result("slow", duration_s=9.0)]
    take_in(store, [run(1, *checks, result("middling", duration_s=0.6))])
    with store.reading() as connection:
        assert [each.check for each in slowest(connection, limit=2)] == [
            "workflows.slow",
            "workflows.middling",
        ]
