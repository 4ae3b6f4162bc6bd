"""Alarms, which are verdicts that close the gate: what people said of them, and which were false.

Runs of a part of the checks raise none and overturn none.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, Subquery, literal, select, union_all

from smokegate.history import tables
from smokegate.history.first_runs import (
    EXAMINED,
    NEVER_MS,
    Mark,
    RunMark,
    first_run,
    marked,
    next_deployment,
    numbered,
)
from smokegate.history.measures import CLOSES, OPENS, FalseAlarms, false_alarms, is_overturned
from smokegate.history.rows import storable_text

_runs = tables.runs


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm that may have been false: a later run opened the gate, and nothing had changed."""

    alarm: RunMark
    environment: str
    target: str
    version: str
    overturned_by: RunMark


def candidates(
    connection: Connection, *, environment: str = "", since_ms: int = 0, limit: int = 20
) -> list[Candidate]:
    """Alarms since a moment that may have been false, the newest first; those without a label.

    The last 500 of each verdict are looked at.
    """
    there = _unlabelled_alarms(environment, since_ms)
    after_ms = there.c.finished_ms + 1
    opened = [
        first_run(there, there.c.version, action, after_ms, literal(NEVER_MS)) for action in OPENS
    ]
    next_ms = next_deployment(there, there.c.finished_ms).label("next_ms")
    statement = select(there, next_ms, *numbered(opened))
    found = connection.execute(statement.order_by(there.c.finished_ms.desc(), there.c.id.desc()))
    there_may_be = (_candidate(row, marks) for row, marks in marked(connection, found.all()))
    return list(islice(filter(None, there_may_be), limit))


def _candidate(row: Row[Any], opened: list[Mark]) -> Candidate | None:
    first = min(opened, key=lambda mark: mark.finished_ms, default=None)
    opened_ms = first.finished_ms if first else None
    if first is None or not is_overturned(row.finished_ms, opened_ms, row.next_ms):
        return None
    return Candidate(
        alarm=Mark(row.run_id, row.action, row.finished_ms).shown(),
        environment=row.environment,
        target=row.target,
        version=row.version,
        overturned_by=first.shown(),
    )


def labelled(connection: Connection, *, environment: str = "", since_ms: int = 0) -> FalseAlarms:
    """What people said of the runs since a moment: which alarms were false, what was missed."""
    statement = select(tables.labels.c.label).join_from(tables.labels, _runs)
    return false_alarms(connection.scalars(_since(statement, environment, since_ms)))


def _unlabelled_alarms(environment: str, since_ms: int) -> Subquery:
    names = ("id", "run_id", "environment", "target", "version", "action", "finished_ms")
    labels = tables.labels
    newest = [
        _since(select(*(_runs.c[name] for name in names)), environment, since_ms)
        .where(_runs.c.action == action, ~_runs.c.partial)
        .where(~select(labels.c.run).where(labels.c.run == _runs.c.id).exists())
        .order_by(_runs.c.started_ms.desc())
        .limit(EXAMINED)
        .subquery()
        for action in CLOSES
    ]
    return union_all(*(select(each) for each in newest)).subquery("alarms")


def _since(statement: Select[Any], environment: str, since_ms: int) -> Select[Any]:
    statement = statement.where(_runs.c.started_ms >= since_ms)
    if environment:
        statement = statement.where(_runs.c.environment == storable_text(environment))
    return statement
