"""Taking in runs: whole, once, and counted."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from smokegate.errors import HistoryError
from smokegate.history import tables
from smokegate.history.rows import milliseconds, moment, unpacked_timings
from smokegate.history.store import Store
from smokegate.history.tables import BUCKET_COLUMNS, BUCKETS_S
from smokegate.results import Consequence, Outcome
from sqlalchemy import Table, select

from tests.gate.history.runs import failing, run
from tests.gate.samples import attempt, exchange, healthy, result, unmet


def rows(store: Store, table: Table) -> list[dict[str, Any]]:
    with store.reading() as connection:
        return [dict(row._mapping) for row in connection.execute(select(table))]


def one(store: Store, table: Table) -> dict[str, Any]:
    (row,) = rows(store, table)
    return row


def test_a_run_is_kept_with_its_verdict_and_its_results(store: Store) -> None:
    assert store.remember(run(environment="staging"))
    kept = one(store, tables.runs)
    assert (kept["run_id"], kept["environment"], kept["version"]) == (
        "run-000001",
        "staging",
        "1.0.0",
    )
    assert (kept["action"], kept["rule"], kept["passed"]) == ("proceed", "all-passed", 2)
    assert moment(kept["started_ms"]) == "2026-01-01T00:00:00Z"
    assert kept["finished_ms"] - kept["started_ms"] == 2_000
    assert {each["outcome"] for each in rows(store, tables.results)} == {"passed"}
    assert {each["check_id"] for each in rows(store, tables.checks)} == {
        "health.up",
        "workflows.flow",
    }


def test_a_run_counts_once_however_often_it_comes(store: Store) -> None:
    assert [store.remember(run()) for _ in range(3)] == [True, False, False]
    assert len(rows(store, tables.runs)) == 1
    assert {each["total"] for each in rows(store, tables.counters)} == {1}


def test_what_failed_is_kept_with_what_was_seen(store: Store) -> None:
    demand = unmet("status is 200", Consequence.ROLLBACK, exchange=1)
    failed = attempt(demand, exchanges=(exchange(status=500, body="SECRET BODY"),))
    store.remember(run(1, result("up", Outcome.FAILED, suite="health", attempts=[failed])))
    kept = one(store, tables.failures)
    assert (kept["demand"], kept["seen"], kept["status"]) == ("status is 200", "otherwise", 500)
    assert kept["request"] == "GET /things?page=2"
    (timing,) = unpacked_timings(one(store, tables.timings)["exchanges"])
    assert timing[:5] == ["health.up", 1, "GET", "/things", 500]
    assert "SECRET BODY" not in str(timing)


def test_counts_add_up_over_runs(store: Store) -> None:
    flaky = result("flow", Outcome.WARNED, flaky=True)
    for number, check in enumerate(
        [result("flow"), flaky, result("flow", Outcome.FAILED), result("flow", Outcome.UNKNOWN)], 1
    ):
        store.remember(run(number, healthy(), check))
    store.remember(run(5, healthy(), result("flow", Outcome.SKIPPED)))
    for table in tables.counters, tables.days:
        names = ("total", "passed", "failed", "unknown", "flaky", "warned")
        counts = {tuple(row[name] for name in names) for row in rows(store, table)}
        assert counts == {(5, 5, 0, 0, 0, 0), (4, 2, 1, 1, 1, 1)}


def test_durations_are_counted_in_buckets_of_what_is_not_longer(store: Store) -> None:
    for number, seconds in enumerate([0.05, 0.2, 3.0, 100.0], 1):
        store.remember(run(number, result("flow", duration_s=seconds)))
    kept = one(store, tables.counters)
    assert kept["duration_sum_s"] == pytest.approx(103.25)
    buckets = {bound: kept[name] for bound, name in zip(BUCKETS_S, BUCKET_COLUMNS, strict=True)}
    assert buckets == {
        **dict.fromkeys((0.05, 0.1), 1),
        **dict.fromkeys((0.25, 0.5, 1.0, 2.5), 2),
        **dict.fromkeys((5.0, 10.0, 30.0, 60.0), 3),
    }


def test_days_are_those_of_utc(store: Store) -> None:
    store.remember(run(1, healthy(), started_at="2026-01-01T23:59:59.999Z"))
    store.remember(run(2, healthy(), started_at="2026-01-02T00:00:00.000Z"))
    days = sorted(row["day"] for row in rows(store, tables.days))
    assert days == [20_454, 20_455]


def test_a_version_is_deployed_when_it_is_first_seen_or_when_it_was_told(store: Store) -> None:
    store.remember(run(1))
    store.remember(run(2, minutes=5))
    store.remember(
        run(3, minutes=9, version="2.0.0", settings={"deployed_at": "2026-01-01T01:00:00+01:00"})
    )
    kept = [
        (row["version"], moment(row["deployed_ms"]), row["source"])
        for row in rows(store, tables.deployments)
    ]
    assert kept == [
        ("1.0.0", "2026-01-01T00:00:00Z", "sighted"),
        ("2.0.0", "2026-01-01T00:00:00Z", "told"),
    ]


def test_where_an_environment_stands_is_what_the_newest_run_says(store: Store) -> None:
    store.remember(run(1))
    store.remember(failing(3, minutes=9))
    store.remember(run(2, minutes=5))  # taken in late
    kept = one(store, tables.latest)
    assert (kept["run_id"], kept["action"]) == ("run-000003", "rollback")
    assert moment(kept["succeeded_ms"]) == "2026-01-01T00:05:02Z"


def test_a_run_of_a_part_does_not_stand_for_an_environment(store: Store) -> None:
    store.remember(failing(1))
    store.remember(run(2, minutes=1, partial=True))
    kept = one(store, tables.latest)
    assert (kept["run_id"], kept["succeeded_ms"]) == ("run-000001", None)
    assert one(store, tables.run_days)["total"] == 1


def test_a_run_is_taken_in_whole_or_not_at_all(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_: object) -> None:
        raise HistoryError("broken on the way")

    monkeypatch.setattr("smokegate.history.store._Insertion._note_latest", breaks)
    with pytest.raises(HistoryError):
        store.remember(run())
    monkeypatch.undo()
    for table in tables.runs, tables.results, tables.counters, tables.checks:
        assert rows(store, table) == []
    assert store.remember(run())


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-29T02:30:00+01:00", "2026-03-29T01:30:00Z"),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00Z"),
        ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z"),
        ("2026-01-01T00:00:00", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00.999Z", "2026-01-01T00:00:00Z"),
    ],
)
def test_moments_are_utc_whatever_their_offset(text: str, utc: str) -> None:
    assert moment(milliseconds(text)) == utc


def test_hostile_names_are_only_names(store: Store) -> None:
    name = "x'; DROP TABLE runs; --\u0000\U0001f600\ud800"
    seen = msgspec.structs.replace(unmet(name), seen=name)
    failed = result("up", Outcome.FAILED, suite="health", attempts=[attempt(seen)])
    store.remember(run(1, failed, environment=name, version=name, target=name))
    written = name.replace("\u0000", r"\x00").replace("\ud800", r"\ud800")
    kept = one(store, tables.runs)
    assert (kept["environment"], kept["version"], kept["target"]) == (written,) * 3
    assert one(store, tables.failures)["seen"] == written


@pytest.mark.parametrize("letter", ["x", "\0", "\U0001f600", "\ud800"])
def test_what_is_longer_than_its_column_is_cut(store: Store, letter: str) -> None:
    long = letter * 3_000
    check = msgspec.structs.replace(healthy(), id=long, suite=long, title=long)
    made = run(1, check, environment=long, version=long, target=long, tool=long)
    assert store.remember(made)
    assert not store.remember(made)
    kept = one(store, tables.runs)
    assert [len(kept[name]) for name in ("environment", "version", "target", "tool")] == [
        200,
        200,
        500,
        64,
    ]
    assert len(one(store, tables.checks)["check_id"]) == 300
    deployed = one(store, tables.deployments)
    assert all(deployed[name] == kept[name] for name in ("environment", "version", "target"))
