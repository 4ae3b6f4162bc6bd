"""Alarms that nobody has labelled yet."""

from __future__ import annotations

from hypothesis import given
from smokegate.history.labels import set_label
from smokegate.history.measures import CLOSES
from smokegate.history.open_alarms import open_alarm_counts, open_alarms
from smokegate.history.rows import milliseconds
from smokegate.history.store import Store
from smokegate.results import JudgedRun

from tests.gate.history.histories import BEGIN_MS, History, histories, stored, take_in
from tests.gate.history.runs import failing, run


def ids(store: Store, **narrowed: object) -> list[str]:
    with store.reading() as connection:
        return [each.run_id for each in open_alarms(connection, **narrowed)]  # type: ignore[arg-type]


def counts(store: Store, **narrowed: int) -> dict[str, int]:
    with store.reading() as connection:
        return open_alarm_counts(connection, **narrowed)


def test_an_alarm_is_open_until_somebody_labels_it(store: Store) -> None:
    take_in(store, [run(1), failing(2, minutes=1), failing(3, minutes=2)])
    assert ids(store) == ["run-000003", "run-000002"], "the newest first"
    assert counts(store) == {"production": 2}
    with store.transaction() as connection:
        set_label(connection, "run-000003", "false-alarm")
    assert ids(store) == ["run-000002"]
    assert counts(store) == {"production": 1}


def test_only_so_many_are_counted_and_listed(store: Store) -> None:
    take_in(store, [failing(number, minutes=number) for number in range(5)])
    assert ids(store, limit=2) == ["run-000004", "run-000003"]
    assert counts(store, most=3) == {"production": 3}


@stored
@given(histories())
def test_it_is_every_whole_run_that_closed_the_gate(store: Store, history: History) -> None:
    take_in(store, history)
    since_ms = BEGIN_MS + 4 * 60_000
    there = [each for each in history if isinstance(each, JudgedRun)]
    alarms = [
        each
        for each in there
        if each.verdict.action.value in CLOSES
        and not each.partial
        and milliseconds(each.started_at) >= since_ms
    ]
    wanted = {
        environment: [each.run_id for each in alarms if each.environment == environment]
        for environment in {each.environment for each in there}
    }
    assert counts(store, since_ms=since_ms) == {name: len(some) for name, some in wanted.items()}
    for name, some in wanted.items():
        assert sorted(ids(store, environment=name, since_ms=since_ms)) == sorted(some)
    assert sorted(ids(store, since_ms=since_ms)) == sorted(each.run_id for each in alarms)
