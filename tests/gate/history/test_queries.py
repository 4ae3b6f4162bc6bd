"""Lists of runs, and one with all that hangs on it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smokegate.history.labels import set_label
from smokegate.history.queries import Page, RememberedRun, run_ids, runs
from smokegate.history.queries import run as ask_run
from smokegate.history.rows import milliseconds
from smokegate.history.store import Store
from smokegate.results import Consequence, JudgedRun, Outcome, Timing

from tests.gate.history.histories import History, histories, stored, take_in
from tests.gate.history.runs import failing, run
from tests.gate.samples import attempt, exchange, healthy, result, unmet


def page(store: Store, **narrowed: object) -> Page:
    with store.reading() as connection:
        return runs(connection, **narrowed)  # type: ignore[arg-type]


def ids(store: Store, **narrowed: object) -> list[str]:
    return [each.run_id for each in page(store, **narrowed).runs]


def one(store: Store, run_id: str) -> RememberedRun | None:
    with store.reading() as connection:
        return ask_run(connection, run_id)


def test_runs_are_listed_the_newest_first(store: Store) -> None:
    take_in(store, [run(1), run(3, minutes=2), failing(2, minutes=1)])
    assert ids(store) == ["run-000003", "run-000002", "run-000001"]
    line = page(store).runs[1]
    assert (line.action, line.failed, line.label) == ("rollback", 1, "")
    assert (line.started_at, line.finished_at) == ("2026-01-01T00:01:00Z", "2026-01-01T00:01:02Z")
    assert (line.partial, line.interrupted) == (False, False)


def test_runs_are_narrowed(store: Store) -> None:
    take_in(
        store,
        [run(1), failing(2, minutes=1), run(3, minutes=2, environment="staging")],
    )
    assert ids(store, environment="staging") == ["run-000003"]
    assert ids(store, action="rollback") == ["run-000002"]
    assert ids(store, environment="staging", action="rollback") == []
    assert ids(store, since_ms=milliseconds("2026-01-01T00:01:00Z")) == ["run-000003", "run-000002"]


@pytest.mark.sampled(1)
@stored
@given(histories(), st.integers(1, 4), st.sampled_from(["", "production"]))
def test_pages_show_every_run_once(
    store: Store, history: History, limit: int, environment: str
) -> None:
    take_in(store, history)
    there = [each for each in history if isinstance(each, JudgedRun)]
    order = {each.run_id: number for number, each in enumerate(there)}
    wanted = [
        each.run_id
        for each in sorted(there, key=lambda each: (each.started_at, order[each.run_id]))
        if each.environment in (environment or each.environment)
    ]
    shown: list[str] = []
    before = ""
    while True:
        found = page(store, environment=environment, limit=limit, before=before)
        shown += [each.run_id for each in found.runs]
        before = found.next_before
        assert len(found.runs) == limit or not before
        if not before:
            break
    assert shown == wanted[::-1]


def test_nothing_is_older_than_a_run_that_is_not_there(store: Store) -> None:
    take_in(store, [run(1)])
    assert ids(store, before="run-000009") == []


def test_an_id_is_found_by_its_beginning(store: Store) -> None:
    names = ["20260101-000000-a8180e", "20260101-000000-a8180f", "20260102-000000-0_%000"]
    names += ["20260102-000000-0", "20260102-000000-É"]
    shuffled = random.Random(1).sample(names, len(names))
    take_in(store, [run(number, run_id=name) for number, name in enumerate(shuffled)])
    with store.reading() as connection:
        assert run_ids(connection, "20260101-000000-a8180f") == [names[1]]
        assert run_ids(connection, "20260101-") == names[:2]
        assert run_ids(connection, "20260102-000000-0") == [names[3]], "whole, and a beginning"
        assert run_ids(connection, "20260102-000000-0_") == [names[2]], "no pattern"
        assert run_ids(connection, "2026%") == []
        assert run_ids(connection, "20260103") == []
        assert len(run_ids(connection, "2026", limit=9)) == 5


def test_a_run_is_shown_with_all_that_is_kept_of_it(store: Store) -> None:
    asked = exchange(status=503, timing=Timing(dns_s=0.1, wait_s=0.2, total_s=0.3))
    demand = unmet("status is 200", Consequence.ROLLBACK, exchange=1)
    failed = attempt(demand, exchanges=(asked,))
    up = result("up", Outcome.FAILED, suite="health", attempts=[failed])
    take_in(store, [run(1), run(2, up, result("flow"), tool="smokegate 1")])
    with store.transaction() as connection:
        set_label(connection, "run-000002", "true-alarm", "the database was full", author="ada")
    found = one(store, "run-000002")
    assert found is not None
    assert (found.author, found.labelled_at[:2]) == ("ada", "20")
    assert (found.run.run_id, found.run.label, found.note) == (
        "run-000002",
        "true-alarm",
        "the database was full",
    )
    assert (found.tool, found.deciding) == ("smokegate 1", ["health.up"])
    assert found.suites["health"] == "h1"
    assert [(each.check, each.outcome) for each in found.results] == [
        ("health.up", "failed"),
        ("workflows.flow", "passed"),
    ]
    (failure,) = found.failures
    assert (failure.check, failure.demand, failure.status) == ("health.up", "status is 200", 503)
    (timing,) = found.exchanges
    assert (timing.owner, timing.path, timing.dns_s, timing.wait_s) == (
        "health.up", "/things", 0.1, 0.2,
    )  # fmt: skip
    assert abs(timing.total_s - 0.3) < 1e-9


def test_a_run_that_is_not_there_is_none(store: Store) -> None:
    assert one(store, "run-000001") is None


def test_text_that_no_database_holds_finds_nothing(store: Store) -> None:
    take_in(store, [run(1, healthy())])
    for text in "\0", "\ud800", "'; DROP TABLE runs; --":
        assert ids(store, environment=text) == []
        assert ids(store, action=text) == []
        assert ids(store, before=text) == []
        assert one(store, text) is None
        with store.reading() as connection:
            assert run_ids(connection, text) == []
    assert ids(store) == ["run-000001"]
