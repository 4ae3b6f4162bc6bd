"""How checks ended, side by side and one by one."""

from __future__ import annotations

from hypothesis import given
from smokegate.history.outcomes import Ending, endings, outcomes
from smokegate.history.store import Store
from smokegate.results import JudgedRun, Outcome

from tests.gate.history.histories import History, histories, stored, take_in
from tests.gate.history.runs import run
from tests.gate.samples import attempt, exchange, healthy, result, unmet


def ask(store: Store, check: str, **narrowed: object) -> list[Ending]:
    with store.reading() as connection:
        return endings(connection, check, **narrowed)  # type: ignore[arg-type]


def broken(number: int, minutes: float) -> JudgedRun:
    asked = exchange(status=503, url="https://api.example.com/orders")
    tried = attempt(unmet("status is 201", exchange=1), exchanges=(asked,))
    flow = result("flow", Outcome.FAILED, attempts=[tried])
    return run(number, healthy(), flow, minutes=minutes)


def test_outcomes_stand_side_by_side(store: Store) -> None:
    skipped = run(3, healthy(), result("flow", Outcome.SKIPPED), minutes=2)
    take_in(store, [run(1), broken(2, 1), skipped, run(4, minutes=3)])
    wanted = ["run-000002", "run-000003", "run-that-is-gone"]
    with store.reading() as connection:
        found = outcomes(connection, wanted)
        of_suite = outcomes(connection, wanted, suite="health")
        assert outcomes(connection, []) == {}
    assert found == {
        "health.up": {"run-000002": "passed", "run-000003": "passed"},
        "workflows.flow": {"run-000002": "failed", "run-000003": "skipped"},
    }
    assert of_suite == {"health.up": found["health.up"]}


def test_an_ending_tells_what_did_not_hold(store: Store) -> None:
    take_in(store, [run(1), broken(2, 1), run(3, minutes=2)])
    newest, failed, oldest = ask(store, "workflows.flow")
    assert [each.run_id for each in (newest, failed, oldest)] == [
        "run-000003",
        "run-000002",
        "run-000001",
    ]
    assert (newest.outcome, newest.failures) == ("passed", [])
    assert (failed.outcome, failed.started_at) == ("failed", "2026-01-01T00:01:00Z")
    (told,) = failed.failures
    assert (told.demand, told.seen, told.request, told.status) == (
        "status is 201",
        "otherwise",
        "GET /orders",
        503,
    )


def test_only_of_the_newest_it_is_told(store: Store) -> None:
    take_in(store, [broken(number, number) for number in range(4)])
    assert [len(each.failures) for each in ask(store, "workflows.flow", told=2)] == [1, 1, 0, 0]
    assert len(ask(store, "workflows.flow", runs=3)) == 3


def test_a_check_that_is_not_there_has_none(store: Store) -> None:
    take_in(store, [run(1)])
    assert ask(store, "workflows.\0nothing") == []


@stored
@given(histories())
def test_endings_are_those_of_the_runs(store: Store, history: History) -> None:
    take_in(store, history)
    there = [each for each in history if isinstance(each, JudgedRun)]
    there.sort(key=lambda each: each.started_at)
    for environment in "", "staging":
        wanted = [
            (each.run_id, check.outcome.value)
            for each in reversed(there)
            for check in each.everything
            if check.id == "workflows.flow"
            if each.environment in (environment or each.environment)
        ]
        found = ask(store, "workflows.flow", environment=environment)
        assert [(each.run_id, each.outcome) for each in found] == wanted
