"""Checks that change their minds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from smokegate.history.flakiness import check_flips, flakiest
from smokegate.history.measures import Result
from smokegate.history.store import Store
from smokegate.results import Outcome

from tests.gate.history import model
from tests.gate.history.histories import BEGIN_MS, History, Mark, histories, stored, take_in
from tests.gate.history.runs import run
from tests.gate.samples import healthy, result

FAILED = result("flow", Outcome.FAILED)
FLAKY = result("flow", Outcome.WARNED, flaky=True)


def flipping(outcomes: str) -> History:
    """One run a minute, whose workflow passed or failed."""
    flows = {"p": result("flow"), "f": FAILED, "r": FLAKY}
    return [run(at, healthy(), flows[each], minutes=at) for at, each in enumerate(outcomes)]


def test_the_flakiest_are_those_that_surely_are(store: Store) -> None:
    take_in(store, flipping("pfpfpppr"))
    with store.reading() as connection:
        (flaky,) = flakiest(connection)
        flips = check_flips(connection, "workflows.flow")
    assert flaky.check == "workflows.flow"
    assert (flaky.flips.part, flaky.flips.total) == (4, 7)
    assert (flaky.retries.part, flaky.retries.total) == (1, 8)
    assert flips == flaky.flips


def test_one_flip_of_one_pair_does_not_lead_the_list(store: Store) -> None:
    once = [
        run(20, result("rare"), minutes=20),
        run(21, result("rare", Outcome.FAILED), minutes=21),
    ]
    take_in(store, [*flipping("pfpfpfpfpppppp"), *once])
    with store.reading() as connection:
        found = flakiest(connection)
    assert [(each.check, each.flips.part, each.flips.total) for each in found] == [
        ("workflows.flow", 8, 13),
        ("workflows.rare", 1, 1),
    ]


def test_only_the_last_runs_are_looked_at(store: Store) -> None:
    take_in(store, flipping("pfpfpppp"))
    with store.reading() as connection:
        assert flakiest(connection, runs=4) == []
        assert check_flips(connection, "workflows.flow", runs=5).part == 1
        assert check_flips(connection, "workflows.flow", since_ms=BEGIN_MS + 240_000).total == 3
        assert check_flips(connection, "workflows.flow", environment="staging").total == 0
        assert check_flips(connection, "no.such").total == 0


def test_what_only_passed_on_a_second_try_is_flaky_too(store: Store) -> None:
    take_in(store, flipping("pprp"))
    with store.reading() as connection:
        (flaky,) = flakiest(connection)
    assert (flaky.flips.part, flaky.flips.total, flaky.retries.part) == (0, 3, 1)


def test_a_deployment_divides(store: Store) -> None:
    there = run()
    deployed = Mark(there.environment, there.target, "1.0.0", BEGIN_MS + 90_000)
    take_in(store, [*flipping("ppff"), deployed])
    with store.reading() as connection:
        assert flakiest(connection) == []


@stored
@given(histories(), st.sampled_from(["", "production"]))
def test_flips_are_those_of_the_model(store: Store, history: History, environment: str) -> None:
    take_in(store, history)
    deployed: dict[tuple[str, str], list[int]] = {}
    for each in sorted(model.deployed_in(history), key=lambda each: each.deployed_ms):
        deployed.setdefault((each.environment, each.target), []).append(each.deployed_ms)
    there = [each for each in model.runs_in(history) if each.environment.startswith(environment)]
    seen: dict[str, list[Result]] = {}
    for each_run in there:
        place = (each_run.environment, each_run.target)
        for check in each_run.everything:
            at_ms = model.finished_ms(each_run)
            made = Result(place, each_run.version, at_ms, check.outcome.value)
            seen.setdefault(check.id, []).append(made)
    expected = {check: model.flips_of(some, deployed) for check, some in seen.items()}
    with store.reading() as connection:
        for name, counts in expected.items():
            found = check_flips(connection, name, environment=environment)
            assert (found.part, found.total) == counts
        named = {each.check for each in flakiest(connection, environment=environment)}
    retried = {check.id for each_run in there for check in each_run.everything if check.flaky}
    assert named == {check for check, (flipped, _) in expected.items() if flipped} | retried
