"""Days in columns, as many as fit into a picture, and what happened in each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from smokegate.history.charts import Calendar, calendar
from smokegate.history.rows import DAY_MS, milliseconds, moment

_MOST_COLUMNS = 60
_MOST_TICKS = 5
_LONG_DAYS = 200

__all__ = ["Calendar", "columns", "names", "place", "ticks"]


def columns(since_ms: int, now_ms: int) -> Calendar:
    """The days from one moment to another, in as many columns as are easily told apart."""
    return calendar(moment(since_ms), moment(now_ms), _MOST_COLUMNS)


def place(days: Calendar, at: str) -> float:
    """Where a moment is between the first column's begin, 0, and the last one's end, 1."""
    end = datetime(days.last.year, days.last.month, days.last.day, tzinfo=UTC) + timedelta(days=1)
    back_days = (end.timestamp() * 1000 - milliseconds(at)) / DAY_MS
    return min(max(1 - back_days / days.days_each / days.columns, 0.0), 1.0)


def begins(days: Calendar) -> list[date]:
    """The first day of each column."""
    last = days.last - timedelta(days=days.days_each - 1)
    return [
        max(days.first, last - timedelta(days=days.days_each * back))
        for back in reversed(range(days.columns))
    ]


def names(days: Calendar) -> list[str]:
    """What each column is: a day, or the first of several."""
    more = "" if days.days_each == 1 else f" + {days.days_each - 1} days"
    return [f"{each.isoformat()}{more}" for each in begins(days)]


def ticks(days: Calendar) -> Iterator[tuple[float, str]]:
    """Some columns, by the place of their middle, with their day in a word."""
    there = begins(days)
    step = -(-len(there) // _MOST_TICKS)
    is_long = (days.last - days.first).days > _LONG_DAYS
    for number in range(len(there) - 1, -1, -step):
        day = there[number]
        words = f"{day:%b %Y}" if is_long else f"{day.day} {day:%b}"
        yield (number + 0.5) / days.columns, words
