"""Alarms that may have been false, and what people said of them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from smokegate.errors import UsageError
from smokegate.history import tables
from smokegate.history.alarms import candidates, labelled
from smokegate.history.labels import set_label
from smokegate.history.store import Store
from sqlalchemy import select

from tests.gate.history import model
from tests.gate.history.histories import BEGIN_MS, History, Mark, histories, stored, take_in
from tests.gate.history.runs import failing, run


def overturned(store: Store, **narrowed: object) -> dict[str, str]:
    with store.reading() as connection:
        found = candidates(connection, **narrowed)  # type: ignore[arg-type]
    return {each.alarm.run_id: each.overturned_by.run_id for each in found}


def label(store: Store, run_id: str, text: str, note: str = "") -> None:
    with store.transaction() as connection:
        set_label(connection, run_id, text, note)


def test_an_alarm_that_the_next_run_did_not_raise_is_a_candidate(store: Store) -> None:
    take_in(store, [run(1), failing(2, minutes=1), run(3, minutes=2), run(4, minutes=3)])
    assert overturned(store) == {"run-000002": "run-000003"}


def test_it_is_none_if_something_was_deployed_in_between(store: Store) -> None:
    there = run()
    deployed = Mark(there.environment, there.target, "1.0.0", BEGIN_MS + 90_000)
    take_in(store, [failing(2, minutes=1), run(3, minutes=2), deployed])
    assert overturned(store) == {}


@pytest.mark.parametrize(
    "changes", [{"version": "2"}, {"environment": "b"}, {"target": "https://b"}, {"partial": True}]
)
def test_a_run_of_something_else_overturns_nothing(store: Store, changes: dict[str, str]) -> None:
    take_in(store, [failing(2, minutes=1), run(3, minutes=2, **changes)])
    assert overturned(store) == {}


def test_one_that_somebody_labelled_is_no_candidate_any_more(store: Store) -> None:
    take_in(store, [failing(1), failing(2, minutes=1), run(3, minutes=2)])
    label(store, "run-000001", "true-alarm")
    assert overturned(store) == {"run-000002": "run-000003"}
    label(store, "run-000001", "")
    assert list(overturned(store)) == ["run-000002", "run-000001"], "the newest first"
    assert list(overturned(store, limit=1)) == ["run-000002"]


@stored
@given(histories())
def test_candidates_are_those_of_the_model(store: Store, history: History) -> None:
    take_in(store, history)
    assert overturned(store) == model.overturned(history)
    for environment in "production", "staging":
        within: History = [each for each in history if each.environment == environment]
        assert overturned(store, environment=environment) == model.overturned(within)


def test_labels_are_the_share_of_false_alarms(store: Store) -> None:
    take_in(store, [failing(1), failing(2, minutes=1), failing(3, minutes=2), run(4, minutes=3)])
    label(store, "run-000001", "false-alarm", "the test's own clock")
    label(store, "run-000002", "true-alarm")
    label(store, "run-000004", "missed")
    with store.reading() as connection:
        found = labelled(connection)
        assert (found.share.part, found.share.total, found.missed) == (1, 2, 1)
        assert labelled(connection, since_ms=BEGIN_MS + 1).share.part == 0
        assert labelled(connection, environment="staging").missed == 0


def test_a_label_takes_the_place_of_the_one_before(store: Store) -> None:
    store.remember(failing(1))
    label(store, "run-000001", "false-alarm", "it was the clock")
    label(store, "run-000001", "true-alarm", "no, it was not \0")
    with store.reading() as connection:
        (row,) = connection.execute(select(tables.labels.c.label, tables.labels.c.note))
    assert tuple(row) == ("true-alarm", r"no, it was not \x00")


@pytest.mark.parametrize(
    ("run_id", "text", "words"),
    [
        ("run-000009", "missed", "there is no run run-000009"),
        ("run-000001", "false-alarm", "came to proceed: only investigate and rollback are alarms"),
        ("run-000002", "missed", "came to rollback: only a verdict that opened the gate"),
        ("run-000003", "false-alarm", "has only a part of the checks"),
        ("run-000001", "wrong", "say false-alarm, true-alarm, missed"),
    ],
)
def test_a_label_that_does_not_fit_is_refused(
    store: Store, run_id: str, text: str, words: str
) -> None:
    for each in run(1), failing(2), failing(3, partial=True):
        store.remember(each)
    with pytest.raises(UsageError, match=words):
        label(store, run_id, text)
    with store.reading() as connection:
        assert connection.execute(select(tables.labels)).all() == []


def test_an_inconclusive_run_is_no_alarm(store: Store) -> None:
    unclear = msgspec.structs.replace(run(1), interrupted="SIGINT")
    from tests.gate.history.runs import judged

    store.remember(judged(unclear))
    with pytest.raises(UsageError, match="came to inconclusive"):
        label(store, "run-000001", "false-alarm")
