"""Versions beside each other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smokegate.history import versions as module
from smokegate.history.measures import quantile, share
from smokegate.history.rows import milliseconds, moment
from smokegate.history.store import Store
from smokegate.history.versions import check_versions, versions
from smokegate.results import JudgedRun, Outcome

from tests.gate.history import model
from tests.gate.history.histories import BEGIN_MS, History, histories, stored, take_in
from tests.gate.history.runs import failing, run
from tests.gate.samples import healthy, result

DAY = 60 * 24


def asked(store: Store, **narrowed: Any) -> list[Any]:
    with store.reading() as connection:
        return list(versions(connection, **narrowed))


def asked_of(store: Store, check: str, **narrowed: Any) -> list[Any]:
    with store.reading() as connection:
        return list(check_versions(connection, check, **narrowed))


def released(number: int, duration_s: float = 2.0, *, passes: bool = True, of: int = 20) -> History:
    """So many runs of a version, the first of them days after those of the version before."""
    make = run if passes else failing
    return [
        make(
            100 * number + each,
            minutes=DAY * number + each,
            version=f"{number}.0.0",
            duration_s=duration_s + each / 1_000,
        )
        for each in range(of)
    ]


@stored
@given(histories(), st.sampled_from(["", "production"]))
def test_they_are_what_a_look_at_every_run_says(
    store: Store, history: History, environment: str
) -> None:
    take_in(store, history)
    there: dict[tuple[str, str], list[JudgedRun]] = {}
    for each in model.runs_in(history):
        if each.environment.startswith(environment):
            there.setdefault((each.environment, each.version), []).append(each)
    found = asked(store, environment=environment, limit=100)
    assert {(each.environment, each.version) for each in found} == set(there)
    assert len(found) == len(there)
    of_flow = {
        (each.environment, each.version): each
        for each in asked_of(store, "workflows.flow", environment=environment, limit=100)
    }
    for line in found:
        runs = there[line.environment, line.version]
        began = min(each.started_at for each in runs)
        assert line.began_at == moment(milliseconds(began))
        opened = [each.verdict.action.opens_the_gate for each in runs]
        assert line.opened == share(sum(opened), len(opened))
        results = [c for each in runs for c in each.everything if c.outcome is not Outcome.SKIPPED]
        passed = sum(each.outcome.passes for each in results)
        assert line.pass_rate == share(passed, len(results))
        assert line.p95 == quantile([each.duration_s for each in runs], 0.95)
        flows = [c for each in runs for c in each.checks if c.id == "workflows.flow"]
        flows = [each for each in flows if each.outcome is not Outcome.SKIPPED]
        of_check = of_flow.get((line.environment, line.version))
        assert (of_check is not None) == bool(flows)
        if of_check:
            assert of_check.pass_rate == share(sum(c.outcome.passes for c in flows), len(flows))
            assert of_check.p50 == quantile([c.duration_s for c in flows], 0.5)
    assert [each.began_at for each in found] == sorted((e.began_at for e in found), reverse=True)


def test_what_changed_is_said_where_it_is_beyond_doubt(store: Store) -> None:
    history = [
        *released(0),
        *released(1, 2.01),
        *released(2, 5.0),
        *released(3, 2.0),
        *released(4, passes=False),
        *released(5),
        *released(6),
    ]
    take_in(store, history)
    changes = {each.version: each.changes for each in asked(store)}
    assert changes == {
        "0.0.0": [],
        "1.0.0": [],
        "2.0.0": ["slower"],
        "3.0.0": ["faster"],
        "4.0.0": ["passes less"],
        "5.0.0": ["passes more"],
        "6.0.0": [],
    }


def test_few_runs_say_nothing_of_times(store: Store) -> None:
    take_in(store, [*released(0), *released(1, 60.0, of=14)])
    assert asked(store)[0].changes == []
    take_in(store, [*released(0), *released(1, 60.0, of=15)])
    assert asked(store)[0].changes == ["slower"]


def test_a_version_is_compared_with_the_one_before_in_its_environment(store: Store) -> None:
    elsewhere = [
        run(900 + n, minutes=DAY / 2 + n, version="0.5.0", environment="staging", duration_s=90.0)
        for n in range(20)
    ]
    take_in(store, [*released(0), *elsewhere, *released(1)])
    assert [(each.version, each.changes) for each in asked(store)] == [
        ("1.0.0", []),
        ("0.5.0", []),
        ("0.0.0", []),
    ]


def test_of_a_check_it_is_its_results(store: Store) -> None:
    history: History = []
    for number, duration_s in enumerate((0.1, 0.9)):
        for each in range(20):
            flow = result("flow", duration_s=duration_s + each / 10_000)
            minutes = DAY * number + each
            version = f"{number}.0.0"
            history.append(
                run(100 * number + each, healthy(), flow, minutes=minutes, version=version)
            )
    take_in(store, history)
    newer, older = asked_of(store, "workflows.flow")
    assert (newer.version, newer.changes, older.changes) == ("1.0.0", ["slower"], [])
    assert newer.pass_rate == share(20, 20)
    assert asked_of(store, "health.up")[0].changes == []
    assert asked_of(store, "health.other") == []


def test_they_are_narrowed_and_limited(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    take_in(store, [*released(0, of=3), *released(1, of=3), *released(2, of=3)])
    assert [each.version for each in asked(store, limit=2)] == ["2.0.0", "1.0.0"]
    since_ms = BEGIN_MS + DAY * 60_000 + 60_000
    assert [each.opened.total for each in asked(store, since_ms=since_ms)] == [3, 2]
    assert asked(store, environment="staging") == []
    monkeypatch.setattr(module, "_EXAMINED", 4)
    monkeypatch.setattr(module, "LAST_RUNS", 4)
    assert [each.opened.total for each in asked(store)] == [3, 1]
    assert [each.pass_rate.total for each in asked_of(store, "health.up")] == [3, 1]
