"""Deployments with what came of them, and how soon."""

from __future__ import annotations

import pytest
from hypothesis import given
from smokegate.history import tables
from smokegate.history.detection import DeploymentLine, deployments, detection
from smokegate.history.rows import milliseconds, moment
from smokegate.history.store import Store
from sqlalchemy import select

from tests.gate.history import model
from tests.gate.history.histories import BEGIN_MS, History, Mark, histories, stored, take_in
from tests.gate.history.runs import failing, run


def found(store: Store, **narrowed: object) -> list[DeploymentLine]:
    with store.reading() as connection:
        return deployments(connection, **narrowed)  # type: ignore[arg-type]


def at(minutes: float) -> str:
    return moment(BEGIN_MS + round(minutes * 60_000))


def marked(minutes: float, version: str = "1.0.0") -> Mark:
    there = run()
    deployed_ms = BEGIN_MS + round(minutes * 60_000)
    return Mark(there.environment, there.target, version, deployed_ms)


def test_the_first_alarm_after_a_deployment_detects(store: Store) -> None:
    take_in(store, [marked(1), run(1, minutes=2), failing(2, minutes=5), failing(3, minutes=6)])
    (line,) = found(store)
    assert (line.version, line.source, line.deployed_at) == ("1.0.0", "marked", at(1))
    assert line.first is not None
    assert line.closing is not None
    assert (line.first.run_id, line.first.action) == ("run-000001", "proceed")
    assert (line.closing.run_id, line.closing.action) == ("run-000002", "rollback")
    assert line.detected_after_s == 4 * 60 + 2, "to the end of that run"


def test_an_alarm_after_the_next_deployment_is_that_ones(store: Store) -> None:
    take_in(store, [marked(1), marked(4, "2.0.0"), failing(1, minutes=5, version="2.0.0")])
    newer, older = found(store)
    assert (newer.version, newer.detected_after_s) == ("2.0.0", 62)
    assert (older.version, older.detected_after_s, older.first) == ("1.0.0", None, None)


def test_a_target_that_does_not_say_its_version_is_that_of_the_deployment(store: Store) -> None:
    take_in(store, [marked(1), failing(1, minutes=2, version="")])
    (line,) = found(store)
    assert line.detected_after_s == 62


def test_a_run_of_a_part_detects_nothing(store: Store) -> None:
    take_in(store, [marked(1), failing(1, minutes=2, partial=True)])
    assert found(store)[0].first is None


def test_the_median_comes_with_its_count_and_interval(store: Store) -> None:
    history: History = []
    for number in range(7):
        version = f"{number}.0.0"
        alarm = failing(number, minutes=10 * number + number, version=version)
        history += [marked(10 * number, version), alarm]
    history.append(marked(90, "9.0.0"))
    take_in(store, history)
    with store.reading() as connection:
        measured = detection(connection)
    assert (measured.detected.part, measured.detected.total) == (7, 8)
    assert measured.median.count == 7
    assert (measured.median.value_s, measured.median.low_s, measured.median.high_s) == (
        182,
        2,
        362,
    )


def test_an_hour_that_comes_twice_is_two_hours(store: Store) -> None:
    """The clock goes back in Berlin: 02:30 summer time is an hour before 02:30 winter time."""
    told = {"deployed_at": "2026-10-25T02:30:00+02:00"}
    alarm = failing(
        1, started_at="2026-10-25T01:29:00.000Z", finished_at="2026-10-25T01:30:00.000Z"
    )
    take_in(store, [run(0, started_at="2026-10-25T00:31:00.000Z", settings=told), alarm])
    (line,) = found(store)
    assert line.deployed_at == "2026-10-25T00:30:00Z"
    assert line.detected_after_s == 3600


def test_deployments_are_narrowed_and_limited(store: Store) -> None:
    elsewhere = marked(3, "3.0.0")._replace(environment="staging")
    take_in(store, [marked(1), marked(2, "2.0.0"), elsewhere])
    assert [each.version for each in found(store)] == ["3.0.0", "2.0.0", "1.0.0"]
    assert [each.version for each in found(store, limit=1)] == ["3.0.0"]
    assert [each.version for each in found(store, environment="staging")] == ["3.0.0"]
    assert [each.version for each in found(store, since_ms=milliseconds(at(3)))] == ["3.0.0"]


@stored
@given(histories())
def test_deployments_and_times_are_those_of_the_model(store: Store, history: History) -> None:
    take_in(store, history)
    with store.reading() as connection:
        kept = {
            model.Deployed(*row)
            for row in connection.execute(
                select(
                    *(
                        tables.deployments.c[name]
                        for name in ("environment", "target", "version", "deployed_ms", "source")
                    )
                )
            )
        }
    expected = model.detected_after_s(history)
    assert kept == set(expected)
    times = {
        (line.environment, line.target, line.version, line.deployed_at): line.detected_after_s
        for line in found(store)
    }
    assert times == {
        (each.environment, each.target, each.version, moment(each.deployed_ms)): seconds
        for each, seconds in expected.items()
    }


@pytest.mark.parametrize("order", [0, 1])
def test_a_sighting_goes_when_somebody_tells_of_the_deployment(store: Store, order: int) -> None:
    told = run(2, minutes=9, settings={"deployed_at": at(1)})
    events: History = [run(1, minutes=2), told]
    take_in(store, events[::-1] if order else events)
    (line,) = found(store)
    assert (line.source, line.deployed_at) == ("told", at(1))


def test_a_run_that_comes_late_is_an_earlier_sighting(store: Store) -> None:
    take_in(store, [run(2, minutes=5), run(1, minutes=3)])
    (line,) = found(store)
    assert (line.source, line.deployed_at) == ("sighted", at(3))
