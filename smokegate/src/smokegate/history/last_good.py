"""The last good run before another one, to compare it with."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, select, union_all

from smokegate.history import tables
from smokegate.history.measures import OPENS, PASSES
from smokegate.history.rows import milliseconds, moment, storable
from smokegate.reports.last_good import LastGood
from smokegate.results import Action, JudgedRun

_EXAMINED = 100  # good runs of the environment, which may be of other targets or suites
_COMPARED = 20  # of which durations are compared
_runs = tables.runs


def last_good(connection: Connection, run: JudgedRun) -> LastGood | None:
    """The last run before this one of its environment, target and suites that opened the gate.

    One that had all of its checks, and that has at least the suites of this one. None where there
    is none among the last hundred that opened the gate there with a verdict of a kind.
    """
    good = _good_runs(connection, run)[:_COMPARED]
    if not good:
        return None
    newest, results = good[0], _results(connection, [each.id for each in good])
    durations_s: dict[str, list[float]] = {}
    for row in results:
        if not row.flaky:
            durations_s.setdefault(row.check_id, []).append(row.duration_s)
    return LastGood(
        run_id=newest.run_id,
        version=newest.version,
        started_at=moment(newest.started_ms),
        action=Action(newest.action),
        passed=[row.check_id for row in results if row.run == newest.id],
        durations_s=durations_s,
    )


def _good_runs(connection: Connection, run: JudgedRun) -> list[Row[Any]]:
    there = storable(_runs, {"environment": run.environment, "target": run.target})
    before = (
        _runs.c.environment == there["environment"],
        _runs.c.started_ms < milliseconds(run.started_at),
        ~_runs.c.partial,
    )
    names = ("id", "run_id", "target", "version", "action", "started_ms", "suites")
    newest = [
        select(*(_runs.c[name] for name in names))
        .where(_runs.c.action == action, *before)
        .order_by(_runs.c.started_ms.desc())
        .limit(_EXAMINED)
        .subquery()
        for action in OPENS
    ]
    either = union_all(*(select(each) for each in newest)).subquery()
    found = connection.execute(
        select(either)
        .where(either.c.target == there["target"])
        .order_by(either.c.started_ms.desc(), either.c.id.desc())
    )
    return [row for row in found if json.loads(row.suites).keys() >= run.suites.keys()]


def _results(connection: Connection, keys: list[int]) -> list[Row[Any]]:
    """What passed in some runs, in the order of the ids of checks."""
    there, checks = tables.results, tables.checks
    passed = (
        select(there.c.run, there.c.duration_s, there.c.flaky, checks.c.check_id)
        .join_from(there, checks)
        .where(there.c.run.in_(keys), there.c.outcome.in_(sorted(PASSES)))
        .order_by(checks.c.check_id)
    )
    return list(connection.execute(passed))
