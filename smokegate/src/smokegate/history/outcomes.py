"""How checks ended: side by side over some runs, and one check in the last of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, and_, select

from smokegate.history import tables
from smokegate.history.flakiness import LAST_RUNS
from smokegate.history.queries import FailureLine, failure_lines
from smokegate.history.rows import moment, storable_text
from smokegate.results import Outcome

_runs, _results, _checks = tables.runs, tables.results, tables.checks
_TELLING = [
    outcome.value for outcome in Outcome if not outcome.passes and outcome is not Outcome.SKIPPED
]


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a check ended in one run; the expectations that did not hold are told of a few."""

    run_id: str
    environment: str
    version: str
    started_at: str
    outcome: str
    duration_s: float
    flaky: bool
    failures: list[FailureLine]


def outcomes(
    connection: Connection, run_ids: Iterable[str], *, suite: str = ""
) -> dict[str, dict[str, str]]:
    """The outcomes of every check in some runs, by check and then by run, in the order of ids."""
    statement = (
        select(_checks.c.check_id, _runs.c.run_id, _results.c.outcome)
        .join_from(_runs, _results, _results.c.run == _runs.c.id)
        .join(_checks, _checks.c.id == _results.c.check)
        .where(_runs.c.run_id.in_(list(run_ids)))
        .order_by(_checks.c.check_id)
    )
    if suite:
        statement = statement.where(_checks.c.suite == storable_text(suite))
    found: dict[str, dict[str, str]] = {}
    for row in connection.execute(statement):
        found.setdefault(row.check_id, {})[row.run_id] = row.outcome
    return found


def endings(
    connection: Connection,
    check: str,
    *,
    environment: str = "",
    since_ms: int = 0,
    runs: int = LAST_RUNS,
    told: int = 10,
) -> list[Ending]:
    """How a check ended in the last runs since a moment, the newest first; `check` is its id.

    What did not hold is told of the newest `told` that did not pass.
    """
    found = connection.execute(_endings(check, environment, since_ms, runs)).all()
    telling = [row for row in found if row.outcome in _TELLING][:told]
    failures = _failures(connection, telling)
    return [_ending(row, failures.get(row.run, [])) for row in found]


def _endings(check: str, environment: str, since_ms: int, runs: int) -> Select[Any]:
    names = ("id", "run_id", "environment", "version", "started_ms")
    recent = select(*(_runs.c[name] for name in names)).where(_runs.c.started_ms >= since_ms)
    if environment:
        recent = recent.where(_runs.c.environment == storable_text(environment))
    last = recent.order_by(_runs.c.started_ms.desc()).limit(runs).subquery("last")
    key = select(_checks.c.id).where(_checks.c.check_id == storable_text(check)).scalar_subquery()
    there = (_results.c.run, _results.c.check, _results.c.outcome)
    return (
        select(last, *there, _results.c.duration_s, _results.c.flaky)
        .join_from(last, _results, _results.c.run == last.c.id)
        .where(_results.c.check == key)
        .order_by(last.c.started_ms.desc(), last.c.id.desc())
    )


def _failures(connection: Connection, rows: list[Row[Any]]) -> dict[int, list[FailureLine]]:
    """What did not hold, by the key of the run."""
    if not rows:
        return {}
    there = tables.failures
    wanted = there.c.run.in_([row.run for row in rows]), there.c.check == rows[0].check
    return failure_lines(connection, and_(*wanted))


def _ending(row: Row[Any], failures: list[FailureLine]) -> Ending:
    return Ending(
        run_id=row.run_id,
        environment=row.environment,
        version=row.version,
        started_at=moment(row.started_ms),
        outcome=row.outcome,
        duration_s=row.duration_s,
        flaky=row.flaky,
        failures=failures,
    )
