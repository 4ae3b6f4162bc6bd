"""How things stand: every environment at a glance."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, func, select

from smokegate.history import tables
from smokegate.history.measures import Share, share
from smokegate.history.rows import moment

_COUNTED = ("results_passed", "results")


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an environment stands: its newest run of all checks, and how it went since a day.

    Of that run all is empty if there was none yet; its `run_id` also if it was pruned. `verdicts`
    counts runs by verdict, `pass_rate` results of checks. `succeeded_at` is when the gate last
    opened, `deployed_at` when `deployed` was deployed; empty for never.
    """

    environment: str
    run_id: str
    version: str
    action: str
    started_at: str
    succeeded_at: str
    deployed: str
    deployed_at: str
    verdicts: dict[str, int]
    pass_rate: Share


def overview(connection: Connection, since_day: int) -> list[Standing]:
    """How every environment stands, and how it went since a day (days since 1970, UTC)."""
    verdicts = _verdicts(connection, since_day)
    deployed = _deployed(connection)
    latest, runs = tables.latest, tables.runs
    standing = connection.execute(
        select(latest, runs.c.run_id.is_not(None).label("kept"))
        .outerjoin_from(latest, runs, runs.c.run_id == latest.c.run_id)
        .order_by(latest.c.environment)
    )
    return [
        _standing(row, verdicts.get(row.environment, []), deployed.get(row.environment, ("", 0)))
        for row in standing
    ]


def _standing(row: Row[Any], verdicts: list[Row[Any]], deployed: tuple[str, int]) -> Standing:
    passed, counted = (sum(getattr(each, name) for each in verdicts) for name in _COUNTED)
    return Standing(
        environment=row.environment,
        run_id=row.run_id if row.kept else "",
        version=row.version,
        action=row.action,
        started_at=moment(row.started_ms) if row.started_ms else "",
        succeeded_at=moment(row.succeeded_ms) if row.succeeded_ms else "",
        deployed=deployed[0],
        deployed_at=moment(deployed[1]) if deployed[1] else "",
        verdicts={each.action: int(each.total) for each in verdicts},
        pass_rate=share(int(passed), int(counted)),
    )


def _verdicts(connection: Connection, since_day: int) -> dict[str, list[Row[Any]]]:
    there = tables.run_days
    names = ("total", *_COUNTED)
    sums = [func.sum(there.c[name]).label(name) for name in names]
    found = connection.execute(
        select(there.c.environment, there.c.action, *sums)
        .where(there.c.environment.in_(environments()), there.c.day >= since_day)
        .group_by(there.c.environment, there.c.action)
        .order_by(there.c.environment, there.c.action)
    )
    verdicts: dict[str, list[Row[Any]]] = {}
    for row in found:
        verdicts.setdefault(row.environment, []).append(row)
    return verdicts


def _deployed(connection: Connection) -> dict[str, tuple[str, int]]:
    """The version that was deployed last in each environment, and when."""
    there, latest = tables.deployments, tables.latest
    newest = (
        select(there.c.id)
        .where(there.c.environment == latest.c.environment)
        .order_by(there.c.deployed_ms.desc())
        .limit(1)
        .correlate(latest)
        .scalar_subquery()
    )
    columns = (there.c.environment, there.c.version, there.c.deployed_ms)
    of_each = select(newest).select_from(latest)
    found = connection.execute(select(*columns).where(there.c.id.in_(of_each)))
    return {row.environment: (row.version, row.deployed_ms) for row in found}


def environments() -> Select[Any]:
    """Every environment; with it a planner finds its way in an index that begins with one."""
    return select(tables.latest.c.environment)
