"""No question reads a table that grows from end to end: databases say how they would answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from smokegate.history import (
    alarms,
    detection,
    flakiness,
    labels,
    last_good,
    neighbours,
    open_alarms,
    outcomes,
    overview,
    pruning,
    queries,
    trends,
    versions,
)
from smokegate.history.remembering import opened
from smokegate.history.store import Store
from sqlalchemy import Connection, event

from tests.gate.history.histories import take_in
from tests.gate.history.runs import failing, run

GROWING = "runs|results|failures|timings|days|deployments"
WITHIN: dict[str, Any] = {"environment": "production", "since_ms": 5}
QUESTIONS: dict[str, Callable[[Connection], object]] = {
    "runs": queries.runs,
    "runs of an environment": lambda connection: queries.runs(connection, **WITHIN),
    "runs of a verdict": lambda connection: queries.runs(connection, action="rollback"),
    "runs of both": lambda connection: queries.runs(connection, action="rollback", **WITHIN),
    "older runs": lambda connection: queries.runs(connection, before="run-000002"),
    "run ids": lambda connection: queries.run_ids(connection, "run"),
    "run": lambda connection: queries.run(connection, "run-000001"),
    "overview": lambda connection: overview.overview(connection, 5),
    "days of a check": lambda connection: trends.check_days(connection, "health.up"),
    "days of a check here": lambda c: trends.check_days(c, "health.up", **WITHIN),
    "tallies": trends.check_tallies,
    "tallies here": lambda connection: trends.check_tallies(connection, **WITHIN),
    "days": lambda connection: trends.run_days(connection, **WITHIN),
    "flakiest": lambda connection: flakiness.flakiest(connection, runs=2),
    "flakiest here": lambda connection: flakiness.flakiest(connection, runs=2, **WITHIN),
    "flips": lambda connection: flakiness.check_flips(connection, "health.up", runs=2, **WITHIN),
    "deployments": lambda connection: detection.deployments(connection, limit=2),
    "deployments here": lambda connection: detection.deployments(connection, **WITHIN),
    "candidates": lambda connection: alarms.candidates(connection, limit=2),
    "candidates here": lambda connection: alarms.candidates(connection, **WITHIN),
    "last good": lambda connection: last_good.last_good(connection, run(9, minutes=9)),
    "days of environments": lambda c: trends.environment_days(c, ["production"], since_ms=5),
    "open alarms": lambda connection: open_alarms.open_alarms(connection, limit=2),
    "open alarms here": lambda connection: open_alarms.open_alarms(connection, **WITHIN),
    "how many are open": lambda connection: open_alarms.open_alarm_counts(connection, since_ms=5),
    "outcomes": lambda connection: outcomes.outcomes(connection, ["run-000001", "run-000002"]),
    "endings": lambda connection: outcomes.endings(connection, "health.up"),
    "endings here": lambda connection: outcomes.endings(connection, "health.up", **WITHIN),
    "neighbours": lambda connection: neighbours.neighbours(connection, "run-000002"),
    "versions": lambda connection: versions.versions(connection, limit=2),
    "versions here": lambda connection: versions.versions(connection, **WITHIN),
    "versions of a check": lambda c: versions.check_versions(c, "health.up", **WITHIN),
    "environments": trends.environment_tallies,
    "labels": lambda connection: alarms.labelled(connection, **WITHIN),
    "label": lambda connection: labels.set_label(connection, "run-000002", "true-alarm"),
    "prune": lambda connection: pruning._remove_some(connection, 5, 2),
    "prunable": lambda connection: pruning.prunable(connection, 5),
}
# In its order, from an end, and no further than the limit.
WALKS = re.compile(r"SCAN (runs USING INDEX runs_by_start|deployments USING INDEX \w+_by_time)$")


# How far into an index SQLite is to go.
_FIRST = "runs_by_version (environment=? AND target=? AND version=? AND action=? AND finished_ms>?"
DEPTHS = {
    "runs of an environment": "runs_by_environment (environment=? AND started_ms>?)",
    "runs of a verdict": "runs_by_action (action=?)",
    "runs of both": "runs_by_environment_and_action (environment=? AND action=? AND started_ms>?)",
    "overview": "deployments_by_environment (environment=?)",
    "days of a check here": "PRIMARY KEY (check=? AND environment=? AND day>?)",
    "tallies here": "days_by_environment (environment=? AND day>?)",
    "last good": "runs_by_environment_and_action (environment=? AND action=? AND started_ms<?)",
    "deployments": _FIRST,
    "deployments here": "deployments_by_target (environment=? AND target=? AND deployed_ms>?)",
    "candidates": _FIRST,
    "how many are open": "runs_by_environment_and_action (environment=? AND action=? AND started",
    "open alarms": "runs_by_action (action=? AND started_ms>?)",
    "open alarms here": "runs_by_environment_and_action (environment=? AND action=? AND started",
    "outcomes": "results USING PRIMARY KEY (run=?)",
    "endings here": "results USING PRIMARY KEY (run=? AND check=?)",
    "neighbours": "runs_by_environment_and_action (environment=? AND action=? AND started_ms<?)",
    "candidates here": "runs_by_environment_and_action (environment=? AND action=? AND started",
}


@contextmanager
def statements(connection: Connection) -> Iterator[list[tuple[str, Any]]]:
    """What is executed meanwhile, with its parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if not statement.startswith(("SET", "BEGIN", "EXPLAIN")):
            seen.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    yield seen
    event.remove(connection, "before_cursor_execute", note)


@pytest.mark.sampled(20)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_finds_its_way_by_an_index(store: Store, question: str) -> None:
    take_in(store, [run(1), *(failing(at, minutes=at) for at in (2, 3)), run(4, minutes=5)])
    with store.transaction() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET enable_seqscan = off")
        with statements(connection) as asked:
            QUESTIONS[question](connection)
        assert asked
        for statement, parameters in asked:
            for line in plan(connection, statement, parameters):
                assert not reads_it_all(line), f"{statement}\n{line}"


@pytest.mark.parametrize("question", DEPTHS)
def test_a_question_goes_straight_to_what_it_is_about(tmp_path: Path, question: str) -> None:
    store = opened(f"sqlite:///{tmp_path / 'history.db'}")
    take_in(store, [run(2)])
    with store.transaction() as connection:
        with statements(connection) as asked:
            QUESTIONS[question](connection)
        lines = [line for each in asked for line in plan(connection, *each)]
    store.close()
    assert any(DEPTHS[question] in line for line in lines), lines


def plan(connection: Connection, statement: str, parameters: Any) -> list[str]:
    """How the database would answer, line by line."""
    how = "EXPLAIN " if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    found = connection.exec_driver_sql(how + statement, parameters)
    return [str(row[-1]).strip() for row in found]


def reads_it_all(line: str) -> bool:
    """Whether a line of a plan is about every row of a table that grows."""
    if WALKS.match(line):
        return False
    whole = re.search(rf"(?:SCAN|Seq Scan on) (?:first|later|other|{GROWING})\b", line)
    return whole is not None or line.endswith("results_by_check (check=?)")


def test_a_question_without_an_index_would_be_noticed(store: Store) -> None:
    with store.transaction() as connection:
        line = plan(connection, "SELECT id FROM runs WHERE reason = 'x'", ())[0]
    assert reads_it_all(line)
