"""When versions were deployed: as somebody told, or when a run first sighted them."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, literal_column, select

from smokegate.errors import UsageError
from smokegate.history.dialects import insert_into
from smokegate.history.rows import moment, storable
from smokegate.history.tables import deployments as there

TOLD = "told"  # to a run, by --deployed-at
MARKED = "marked"  # by whoever deployed
SIGHTED = "sighted"
_AHEAD_MS = 300_000  # by which clocks may differ; a time zone that was left out is more
_IS_SIGHTED = there.c.source == literal_column(f"'{SIGHTED}'")  # as the index has it


def mark(
    connection: Connection, *, environment: str, target: str, version: str, deployed_ms: int
) -> None:
    """Note that a version was deployed to a target at a moment; twice is once.

    Raises `UsageError` for a moment that has not come, and for names that no page could show.
    """
    for name, value in ("version", version), ("environment", environment):
        if not (value and value.isprintable()):
            raise UsageError(f"{name} {value!r}: it is empty or has control characters")
    if deployed_ms > time.time() * 1000 + _AHEAD_MS:
        raise UsageError(f"{moment(deployed_ms)} has not come yet: what has no offset is in UTC")
    version_there = version_row(environment=environment, target=target, version=version)
    note(connection, version_there, deployed_ms, MARKED)


def note(connection: Connection, version: dict[str, Any], deployed_ms: int, source: str) -> None:
    """Note a deployment; `version` is what `version_row` gives.

    A sighting stands for a deployment that nobody told of: it is noted once for each version, as
    early as any run saw it, and goes when somebody tells of a deployment before it.
    """
    row = {**version, "deployed_ms": deployed_ms, "source": source}
    if source == SIGHTED:
        _note_sighting(connection, row)
        return
    later = there.c.deployed_ms >= deployed_ms
    connection.execute(there.delete().where(_is_of(version), _IS_SIGHTED, later))
    connection.execute(insert_into(connection, there).values(row).on_conflict_do_nothing())


def version_row(*, environment: str, target: str, version: str) -> dict[str, Any]:
    """What tells a version at a target from others, as the tables hold it."""
    return storable(there, {"environment": environment, "target": target, "version": version})


def _note_sighting(connection: Connection, row: dict[str, Any]) -> None:
    told = select(there.c.id).where(_is_of(row), ~_IS_SIGHTED)
    if connection.execute(told.limit(1)).first() is not None:
        return
    statement = insert_into(connection, there).values(row)
    deployed = statement.excluded.deployed_ms
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[there.c.environment, there.c.target, there.c.version],
            index_where=_IS_SIGHTED,
            set_={"deployed_ms": deployed},
            where=there.c.deployed_ms > deployed,
        )
    )


def _is_of(row: dict[str, Any]) -> ColumnElement[bool]:
    return and_(*(there.c[name] == row[name] for name in ("environment", "target", "version")))
