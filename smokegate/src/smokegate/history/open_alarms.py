"""Alarms that wait for somebody to say what they were worth."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, ScalarSelect, func, select, union_all

from smokegate.history import tables
from smokegate.history.measures import CLOSES
from smokegate.history.queries import RunLine, line_of, select_lines
from smokegate.history.rows import storable_text

_runs, _labels = tables.runs, tables.labels


def open_alarms(
    connection: Connection, *, environment: str = "", since_ms: int = 0, limit: int = 20
) -> list[RunLine]:
    """The alarms since a moment that nobody has labelled yet, the newest first."""
    narrowed = [_runs.c.environment == storable_text(environment)] if environment else []
    newest = [
        select(_runs.c.id)
        .where(*_is_open(action, since_ms), *narrowed)
        .order_by(_runs.c.started_ms.desc())
        .limit(limit)
        .subquery()
        for action in CLOSES
    ]
    keys = union_all(*(select(each) for each in newest))
    statement = select_lines().where(_runs.c.id.in_(keys)).limit(limit)
    newest_first = statement.order_by(_runs.c.started_ms.desc(), _runs.c.id.desc())
    return [line_of(row) for row in connection.execute(newest_first)]


def open_alarm_counts(
    connection: Connection, *, since_ms: int = 0, most: int = 100
) -> dict[str, int]:
    """How many alarms of each environment are open; of each verdict, `most` are counted."""
    counts = [
        _counted(action, since_ms, most).label(f"of_{number}")
        for number, action in enumerate(CLOSES)
    ]
    found = connection.execute(select(tables.latest.c.environment, *counts))
    return {environment: sum(some) for environment, *some in found}


def _counted(action: str, since_ms: int, most: int) -> ScalarSelect[Any]:
    """The number of open alarms with a verdict, of the environment of a row of `latest`."""
    there = (
        select(_runs.c.id)
        .where(*_is_open(action, since_ms), _runs.c.environment == tables.latest.c.environment)
        .limit(most)
        .correlate(tables.latest)
        .subquery()
    )
    return select(func.count()).select_from(there).scalar_subquery()


def _is_open(action: str, since_ms: int) -> list[ColumnElement[bool]]:
    labelled = select(_labels.c.run).where(_labels.c.run == _runs.c.id).exists()
    return [_runs.c.action == action, _runs.c.started_ms >= since_ms, ~_runs.c.partial, ~labelled]
