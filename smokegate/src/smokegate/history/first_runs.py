"""The first run of a kind after something happened: what came of a deployment, or of an alarm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Label,
    Row,
    ScalarSelect,
    func,
    select,
)

from smokegate.history import tables
from smokegate.history.rows import moment

NEVER_MS = 2**62
EXAMINED = 500  # alarms, or deployments, to which a run may be looked for
_runs = tables.runs


class RunMark(msgspec.Struct, frozen=True, kw_only=True):
    """A run with its verdict."""

    run_id: str
    action: str
    finished_at: str


class Mark(NamedTuple):
    """A run with its verdict, and the moment to compute with."""

    run_id: str
    action: str
    finished_ms: int

    def shown(self) -> RunMark:
        """As people read it."""
        return RunMark(run_id=self.run_id, action=self.action, finished_at=moment(self.finished_ms))


def first_run(
    there: FromClause,
    version: ColumnElement[str],
    action: str,
    from_ms: ColumnElement[int],
    until_ms: ColumnElement[int],
) -> ScalarSelect[Any]:
    """The key of the first run of a row's environment and target that came to a verdict."""
    first = _runs.alias("first")
    return (
        select(first.c.id)
        .where(
            first.c.environment == there.c.environment,
            first.c.target == there.c.target,
            first.c.version == version,
            first.c.action == action,
            first.c.finished_ms >= from_ms,
            first.c.finished_ms < until_ms,
            ~first.c.partial,
        )
        .order_by(first.c.finished_ms)
        .limit(1)
        .scalar_subquery()
    )


def numbered(keys: list[ScalarSelect[Any]]) -> list[Label[Any]]:
    """Keys of runs as the columns that `marked` looks for."""
    return [key.label(f"key_{number}") for number, key in enumerate(keys)]


def marked(
    connection: Connection, rows: Sequence[Row[Any]]
) -> Iterator[tuple[Row[Any], list[Mark]]]:
    """Rows with the runs whose keys are among their columns, as far as they are still there."""
    keys = [
        [value for name, value in row._asdict().items() if name.startswith("key_") and value]
        for row in rows
    ]
    wanted = sorted({key for some in keys for key in some})
    columns = (_runs.c.id, _runs.c.run_id, _runs.c.action, _runs.c.finished_ms)
    found = connection.execute(select(*columns).where(_runs.c.id.in_(wanted)))
    marks = {key: Mark(*mark) for key, *mark in found}
    for row, some in zip(rows, keys, strict=True):
        yield row, [marks[key] for key in some if key in marks]


def next_deployment(there: FromClause, after_ms: ColumnElement[int]) -> ScalarSelect[Any]:
    """The moment of the first deployment to the target of a row after a moment."""
    later = tables.deployments.alias("later")
    return (
        select(func.min(later.c.deployed_ms))
        .where(
            later.c.environment == there.c.environment,
            later.c.target == there.c.target,
            later.c.deployed_ms > after_ms,
        )
        .scalar_subquery()
    )
