"""Small charts of a line of text: a bar for each day, or for as many days as fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import TypeVar

BARS = "▁▂▃▄▅▆▇█"
NOTHING = "·"
MARK = "^"

Item = TypeVar("Item")


class Calendar:
    """The days from one to another, in so many columns at most; each has the same number of days.

    The last column is that of the last day, so the first one may have fewer days than the others.
    """

    def __init__(self, first: date, last: date, columns: int) -> None:
        self.first, self.last = first, last
        number = (last - first).days + 1
        self.days_each = -(-number // max(columns, 1))
        self.columns = -(-number // self.days_each)

    def column(self, day: str) -> int | None:
        """The column of a day such as 2026-01-31; None if it is outside."""
        back = (self.last - date.fromisoformat(day)).days
        inside = 0 <= back <= (self.last - self.first).days
        return self.columns - 1 - back // self.days_each if inside else None

    def sorted_in(self, items: Iterable[Item], day_of: Callable[[Item], str]) -> list[list[Item]]:
        """Items by column."""
        columns: list[list[Item]] = [[] for _ in range(self.columns)]
        for item in items:
            place = self.column(day_of(item))
            if place is not None:
                columns[place].append(item)
        return columns

    def marks(self, days: Iterable[str]) -> str:
        """A line with a mark under the columns of some days."""
        there = {self.column(day) for day in days}
        return "".join(MARK if place in there else NOTHING for place in range(self.columns))

    @property
    def axis(self) -> str:
        """What the columns are, in words."""
        each = "a day" if self.days_each == 1 else f"{self.days_each} days"
        return f"{self.first.isoformat()} to {self.last.isoformat()}, a column is {each}"


def calendar(since: str, until: str, columns: int) -> Calendar:
    """The days between two moments in ISO 8601, both included."""
    first, last = (date.fromisoformat(moment[:10]) for moment in (since, until))
    return Calendar(min(first, last), last, columns)


def of_shares(shares: Sequence[float | None]) -> str:
    """Bars of shares from 0 to 1; only a whole one is a whole bar."""
    last = len(BARS) - 1
    return "".join(NOTHING if each is None else BARS[int(each * last)] for each in shares)


def of_sizes(sizes: Sequence[float | None]) -> str:
    """Bars of sizes, the largest of which is a whole bar."""
    most = max((each for each in sizes if each is not None), default=0) or 1
    last = len(BARS) - 1
    return "".join(NOTHING if each is None else BARS[round(each / most * last)] for each in sizes)
