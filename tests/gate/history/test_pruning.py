"""Pruning: what hangs on old runs goes with them, what was counted stays."""

from __future__ import annotations

from typing import Any

from smokegate.history import tables
from smokegate.history.labels import set_label
from smokegate.history.pruning import prunable, prune
from smokegate.history.store import Store
from smokegate.history.tables import metadata
from smokegate.results import Outcome
from sqlalchemy import Table, select

from tests.gate.history.histories import BEGIN_MS, take_in
from tests.gate.history.runs import failing, run
from tests.gate.samples import attempt, result, unmet

OF_RUNS = (tables.runs, tables.results, tables.failures, tables.timings, tables.labels)
OF_ALERTS = (tables.incidents, tables.notices)


def rows(store: Store, table: Table) -> list[Any]:
    with store.reading() as connection:
        return sorted(map(tuple, connection.execute(select(table))))


def filled(store: Store, number: int = 7) -> None:
    """A run a minute, each with a failure and a label."""
    up = result("up", Outcome.FAILED, suite="health", attempts=[attempt(unmet("status is 200"))])
    take_in(store, [run(at, up, result("flow"), minutes=at) for at in range(number)])
    with store.transaction() as connection:
        for at in range(number):
            set_label(connection, f"run-{at:06}", "true-alarm")


def test_old_runs_go_with_all_that_hangs_on_them(store: Store) -> None:
    filled(store)
    others = {*OF_RUNS, *OF_ALERTS}
    counted = {table: rows(store, table) for table in metadata.sorted_tables if table not in others}
    assert prune(store, BEGIN_MS + 5 * 60_000, at_once=2, pause=lambda _: None) == 5
    with store.reading() as connection:
        left = connection.scalars(select(tables.runs.c.run_id)).all()
    assert sorted(left) == ["run-000005", "run-000006"]
    for table, number in zip(OF_RUNS, (2, 4, 2, 2, 2), strict=True):
        assert len(rows(store, table)) == number, table.name
    assert all(counted.values())
    assert {table: rows(store, table) for table in counted} == counted


def test_nothing_old_is_nothing_to_do(store: Store) -> None:
    filled(store, 2)
    assert prune(store, BEGIN_MS) == 0
    with store.reading() as connection:
        assert prunable(connection, BEGIN_MS) == 0
        assert prunable(connection, BEGIN_MS + 1) == 1


def test_others_write_between_two_batches(store: Store) -> None:
    """And what they write is not removed, though it comes while it prunes."""
    filled(store, 5)
    written: list[float] = []

    def write(seconds: float) -> None:
        written.append(seconds)
        store.remember(failing(100 + len(written), minutes=90))

    assert prune(store, BEGIN_MS + 60 * 60_000, at_once=2, pause=write) == 5
    assert len(written) == 2
    assert all(seconds > 0 for seconds in written)
    assert len(rows(store, tables.runs)) == 2
