"""What stands beside a run in its environment: the ones before and after it, and the last good."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, select, tuple_

from smokegate.history import tables
from smokegate.history.first_runs import Mark, RunMark
from smokegate.history.measures import OPENS

_runs = tables.runs


class Neighbours(msgspec.Struct, frozen=True, kw_only=True):
    """Runs of the same environment; None where there is none.

    `last_good` is the last one before it at the same target that opened the gate with all checks.
    """

    previous: RunMark | None
    next: RunMark | None
    last_good: RunMark | None


def neighbours(connection: Connection, run_id: str) -> Neighbours:
    """The neighbours of a run; none of one that is not there."""
    names = ("id", "environment", "target", "started_ms")
    place = select(*(_runs.c[name] for name in names)).where(_runs.c.run_id == run_id)
    run = connection.execute(place).first()
    if run is None:
        return Neighbours(previous=None, next=None, last_good=None)
    good = [
        connection.execute(_before(run).where(*_is_good(run, action))).first() for action in OPENS
    ]
    return Neighbours(
        previous=_mark(connection.execute(_before(run)).first()),
        next=_mark(connection.execute(_after(run)).first()),
        last_good=_mark(max(filter(None, good), key=_place, default=None)),
    )


def _before(run: Row[Any]) -> Select[Any]:
    there = _of_environment(run).where(
        # Said twice, because not every planner sees the first in the second.
        _runs.c.started_ms <= run.started_ms,
        tuple_(_runs.c.started_ms, _runs.c.id) < _place(run),
    )
    return there.order_by(_runs.c.started_ms.desc(), _runs.c.id.desc())


def _after(run: Row[Any]) -> Select[Any]:
    there = _of_environment(run).where(
        _runs.c.started_ms >= run.started_ms,
        tuple_(_runs.c.started_ms, _runs.c.id) > _place(run),
    )
    return there.order_by(_runs.c.started_ms, _runs.c.id)


def _of_environment(run: Row[Any]) -> Select[Any]:
    names = ("id", "run_id", "action", "started_ms", "finished_ms")
    there = select(*(_runs.c[name] for name in names))
    return there.where(_runs.c.environment == run.environment).limit(1)


def _is_good(run: Row[Any], action: str) -> tuple[Any, ...]:
    return _runs.c.action == action, _runs.c.target == run.target, ~_runs.c.partial


def _place(row: Row[Any]) -> tuple[int, int]:
    return row.started_ms, row.id


def _mark(row: Row[Any] | None) -> RunMark | None:
    return Mark(row.run_id, row.action, row.finished_ms).shown() if row else None
