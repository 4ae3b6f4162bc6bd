"""Every environment at a glance: how it stands, and how it went."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from smokegate.history.open_alarms import open_alarm_counts
from smokegate.history.overview import Standing, overview
from smokegate.history.rows import DAY_MS
from smokegate.history.tallies import RunTally, runs_together
from smokegate.history.trends import RunDay, environment_days

MOST = 100


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """How an environment stands, its runs together and by day, and how many alarms have no label.

    Of the alarms with each verdict, 100 are counted.
    """

    standing: Standing
    whole: RunTally
    days: list[RunDay]
    open_alarms: int


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The environments by name: those with the newest runs, and how many more there are."""

    environments: list[Glance]
    more: int


def glances(connection: Connection, since_ms: int, most: int = MOST) -> Overview:
    """Every environment, since a day."""
    there = overview(connection, since_ms // DAY_MS)
    newest = sorted(there, key=lambda each: each.started_at, reverse=True)[:most]
    names = {each.environment for each in newest}
    days = environment_days(connection, names, since_ms=since_ms)
    waiting = open_alarm_counts(connection, since_ms=since_ms)
    found = [
        Glance(
            standing=each,
            whole=runs_together(days.get(each.environment, [])),
            days=days.get(each.environment, []),
            open_alarms=waiting.get(each.environment, 0),
        )
        for each in there
        if each.environment in names
    ]
    return Overview(environments=found, more=len(there) - len(found))
