"""Removing old runs, a few at a time, so that nobody who writes waits long."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Connection, func, select

from smokegate.history import tables
from smokegate.history.store import Store

_AT_ONCE = 200
_runs = tables.runs


def prune(
    store: Store,
    before_ms: int,
    *,
    at_once: int = _AT_ONCE,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Delete the runs that began before a moment, with all that hangs on them; how many there were.

    What was counted of them stays, and so do deployments. After each batch there is a pause as
    long as it took: writers get as much time as this does.
    """
    removed = 0
    while True:
        began = time.monotonic()
        with store.transaction() as connection:
            gone = _remove_some(connection, before_ms, at_once)
        removed += gone
        if gone < at_once:
            return removed
        pause(time.monotonic() - began)


def prunable(connection: Connection, before_ms: int) -> int:
    """How many runs began before a moment."""
    counted = select(func.count()).select_from(_runs).where(_runs.c.started_ms < before_ms)
    return connection.scalar(counted) or 0


def _remove_some(connection: Connection, before_ms: int, at_once: int) -> int:
    oldest = select(_runs.c.id).where(_runs.c.started_ms < before_ms)
    keys = list(connection.scalars(oldest.order_by(_runs.c.started_ms).limit(at_once)))
    connection.execute(_runs.delete().where(_runs.c.id.in_(keys)))
    return len(keys)
