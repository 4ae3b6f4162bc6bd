"""What stands beside a run in its environment."""

from __future__ import annotations

from hypothesis import given
from smokegate.history.first_runs import RunMark
from smokegate.history.measures import OPENS
from smokegate.history.neighbours import Neighbours, neighbours
from smokegate.history.store import Store
from smokegate.results import JudgedRun

from tests.gate.history.histories import History, histories, stored, take_in
from tests.gate.history.runs import failing, run


def ask(store: Store, run_id: str) -> Neighbours:
    with store.reading() as connection:
        return neighbours(connection, run_id)


def id_of(mark: RunMark | None) -> str:
    return mark.run_id if mark else ""


def test_the_runs_before_and_after_and_the_last_good_one(store: Store) -> None:
    take_in(
        store,
        [run(1), failing(2, minutes=1), failing(3, minutes=2), run(4, minutes=3)],
    )
    found = ask(store, "run-000003")
    assert (id_of(found.previous), id_of(found.next)) == ("run-000002", "run-000004")
    assert found.last_good == RunMark(
        run_id="run-000001", action="proceed", finished_at="2026-01-01T00:00:02Z"
    )


def test_a_run_alone_has_none(store: Store) -> None:
    take_in(store, [run(1), run(2, minutes=1, environment="staging")])
    nothing = Neighbours(previous=None, next=None, last_good=None)
    assert ask(store, "run-000001") == ask(store, "run-gone") == nothing


@stored
@given(histories())
def test_neighbours_are_those_of_the_list(store: Store, history: History) -> None:
    take_in(store, history)
    there = [each for each in history if isinstance(each, JudgedRun)]
    there.sort(key=lambda each: each.started_at)  # what began at the same time: as it arrived
    for place, each in enumerate(there):
        before = [other for other in there[:place] if other.environment == each.environment]
        after = [other for other in there[place + 1 :] if other.environment == each.environment]
        good = [
            other
            for other in before
            if other.verdict.action.value in OPENS
            and not other.partial
            and other.target == each.target
        ]
        found = ask(store, each.run_id)
        assert id_of(found.previous) == (before[-1].run_id if before else "")
        assert id_of(found.next) == (after[0].run_id if after else "")
        assert id_of(found.last_good) == (good[-1].run_id if good else "")
