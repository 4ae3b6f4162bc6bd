"""How soon after a deployment the gate closed, where it did."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Subquery, func, literal, select

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
from smokegate.history.measures import (
    CLOSES,
    Quantile,
    Share,
    quantile,
    share,
    time_to_detection_s,
)
from smokegate.history.rows import moment, storable_text
from smokegate.results import Action

_ALL = tuple(action.value for action in Action)


class DeploymentLine(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment with the verdicts that came of it before the next one to that target.

    `first` is the first verdict of all, `closing` the first that closed the gate; None without any.
    `source` is told, marked or sighted.
    """

    environment: str
    target: str
    version: str
    deployed_at: str
    source: str
    first: RunMark | None
    closing: RunMark | None
    detected_after_s: float | None


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """The times to detection: of how many deployments there are any, and their median."""

    detected: Share
    median: Quantile


def deployments(
    connection: Connection, *, environment: str = "", since_ms: int = 0, limit: int = 50
) -> list[DeploymentLine]:
    """The deployments since a moment, the newest first, with their verdicts."""
    return _lines(connection, _deployments(environment, since_ms, limit), _ALL)


def detection(
    connection: Connection, *, environment: str = "", since_ms: int = 0, limit: int = EXAMINED
) -> Detection:
    """How soon alarms came after the last deployments since a moment."""
    there = _lines(connection, _deployments(environment, since_ms, limit), CLOSES)
    times_s = [each.detected_after_s for each in there if each.detected_after_s is not None]
    return Detection(detected=share(len(times_s), len(there)), median=quantile(times_s, 0.5))


def _lines(
    connection: Connection, there: Subquery, actions: tuple[str, ...]
) -> list[DeploymentLine]:
    """Deployments with the first run that came to each of some verdicts."""
    versions = (there.c.version, literal(""))  # a target that is down does not say what it serves
    until_ms = func.coalesce(there.c.next_ms, NEVER_MS)
    firsts = [
        first_run(there, version, action, there.c.deployed_ms, until_ms)
        for version in versions
        for action in actions
    ]
    statement = select(there, *numbered(firsts))
    found = connection.execute(statement.order_by(there.c.deployed_ms.desc(), there.c.id.desc()))
    return [_deployment(row, marks) for row, marks in marked(connection, found.all())]


def _deployment(row: Row[Any], marks: list[Mark]) -> DeploymentLine:
    closing = [mark for mark in marks if mark.action in CLOSES]
    return DeploymentLine(
        environment=row.environment,
        target=row.target,
        version=row.version,
        deployed_at=moment(row.deployed_ms),
        source=row.source,
        first=_earliest(marks),
        closing=_earliest(closing),
        detected_after_s=time_to_detection_s(
            row.deployed_ms, row.next_ms, [mark.finished_ms for mark in closing]
        ),
    )


def _earliest(marks: list[Mark]) -> RunMark | None:
    return min(marks, key=lambda mark: mark.finished_ms).shown() if marks else None


def _deployments(environment: str, since_ms: int, limit: int) -> Subquery:
    """Deployments, each with the moment of the next one to that target."""
    there = tables.deployments
    next_ms = next_deployment(there, there.c.deployed_ms).label("next_ms")
    statement = select(there, next_ms).where(there.c.deployed_ms >= since_ms)
    if environment:
        statement = statement.where(there.c.environment == storable_text(environment))
    return statement.order_by(there.c.deployed_ms.desc()).limit(limit).subquery("deployed")
