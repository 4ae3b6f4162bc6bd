"""The last good run before another one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from smokegate.history.last_good import last_good
from smokegate.history.store import Store
from smokegate.reports.last_good import LastGood
from smokegate.results import Action, JudgedRun, Outcome

from tests.gate.history import model
from tests.gate.history.histories import History, histories, stored, take_in
from tests.gate.history.runs import failing, run
from tests.gate.samples import healthy, result

NOW = run(9, minutes=9)


def before(store: Store, now: JudgedRun = NOW) -> LastGood | None:
    with store.reading() as connection:
        return last_good(connection, now)


def test_the_last_one_that_opened_the_gate_is_it(store: Store) -> None:
    flaky = result("flow", Outcome.WARNED, flaky=True, duration_s=3.0)
    good = run(2, healthy(), flaky, result("old", Outcome.SKIPPED), minutes=1, version="1.4.1")
    take_in(store, [run(1), good, failing(3, minutes=2), NOW, run(10, minutes=10)])
    assert before(store) == LastGood(
        run_id="run-000002",
        version="1.4.1",
        started_at="2026-01-01T00:01:00Z",
        action=Action.PROCEED,
        passed=["health.up", "workflows.flow"],
        durations_s={"health.up": [0.1, 0.1], "workflows.flow": [0.1]},
    )


def test_without_one_there_is_none(store: Store) -> None:
    take_in(store, [failing(1)])
    assert before(store) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": "staging"},
        {"target": "https://b.example"},
        {"partial": True},
        {"suites": {"health": "1"}},
        {"minutes": 9},
    ],
)
def test_one_of_something_else_is_none(store: Store, changes: dict[str, Any]) -> None:
    take_in(store, [run(1, **changes)])
    assert before(store) is None
    take_in(store, [run(1)])
    assert before(store) is not None


def test_other_digests_are_the_same_suites(store: Store) -> None:
    take_in(store, [run(1, suites=dict.fromkeys(NOW.suites, "another"))])
    assert before(store) is not None


def test_a_part_of_the_suites_is_compared_with_all_of_them(store: Store) -> None:
    take_in(store, [run(1)])
    assert before(store, run(9, minutes=9, partial=True, suites={"health": "h1"})) is not None


@stored
@given(histories())
def test_it_is_the_one_that_looking_at_all_runs_finds(store: Store, history: History) -> None:
    take_in(store, history)
    for now in model.runs_in(history):
        found = before(store, now)
        good = [
            each
            for each in model.runs_in(history)
            if model.opens(each)
            and (each.environment, each.target) == (now.environment, now.target)
            and each.started_at < now.started_at
        ]
        last = max((each.started_at for each in good), default=None)
        if found is None:
            assert last is None
            continue
        (named,) = (each for each in good if each.run_id == found.run_id)
        assert named.started_at == last
        assert found.passed == sorted(c.id for c in named.everything if c.outcome.passes)
        at_once = [c for each in good for c in each.everything if c.outcome.passes and not c.flaky]
        assert sum(map(len, found.durations_s.values())) == len(at_once)
