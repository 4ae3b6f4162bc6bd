"""Outboxes: rows of a table that are due, each taken by one worker at a time.

A worker takes a row for a while, its lease, and ends its attempt before the lease does. One that
is killed leaves the row to whoever looks after that.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import uniform
from typing import Any

from sqlalchemy import Row, Select, Table, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lattice.database import EVERY_TENANT, Database, now

# Whoever took a row and was held up longer leaves it: its lease might end in mid-attempt.
BEGUN_WITHIN_S = 3.0
LEASE_SPARE_S = 2 * BEGUN_WITHIN_S
# Others may have left something: without their wakening it is found by looking.
LOOK_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Lease:
    """A row that is one worker's, by the clock of the database."""

    id: str
    taken_at: datetime
    until: datetime
    begun_before: float

    @property
    def is_held_up(self) -> bool:
        """Whether it was taken too long ago, by the clock of the event loop, to be sent."""
        return asyncio.get_running_loop().time() > self.begun_before


class Leases:
    """Who has which row of a table, which has `id`, `due_at` and `leased_until`.

    An attempt takes up to `attempt_s` seconds.
    """

    def __init__(self, database: Database, table: Table, attempt_s: float) -> None:
        self._database = database
        self._table = table
        self._life = timedelta(seconds=attempt_s + LEASE_SPARE_S)

    async def take(
        self, query: Select[Any], count: int
    ) -> tuple[list[tuple[Row[Any], Lease]], float]:
        """Take up to so many rows of a query that are due; return the time until there may be more.

        The query names the `id` of the table, and an order.
        """
        begun_before = asyncio.get_running_loop().time() + BEGUN_WITHIN_S
        # Through the writer: it is free once the transaction that woke us is committed.
        async with self._database.writing(EVERY_TENANT) as connection:
            at = await _clock(connection)
            rows = (await connection.execute(self._due(query, at).limit(count))).all()
            until = at + self._life
            await self._lease(connection, [row.id for row in rows], until)
            pause_s = await self._pause_s(connection, at)
        return [(row, Lease(row.id, at, until, begun_before)) for row in rows], pause_s

    async def end(
        self, connection: AsyncConnection, lease: Lease, values: Mapping[str, Any]
    ) -> None:
        """Write `values` into the row and leave it, unless it is another worker's by now."""
        ended = dict(values) | {"leased_until": None}
        await connection.execute(update(self._table).where(*self._held(lease)).values(ended))

    async def remove(self, connection: AsyncConnection, lease: Lease) -> None:
        """Remove the row, unless it is another worker's by now."""
        await connection.execute(delete(self._table).where(*self._held(lease)))

    async def give_back(self, lease: Lease) -> None:
        """Let any worker take it at once."""
        async with self._database.writing(EVERY_TENANT) as connection:
            await self.end(connection, lease, {})

    async def are_free(self, connection: AsyncConnection) -> Any:
        """Return the condition of rows that no worker has."""
        return self._are_free(await _clock(connection))

    def _due(self, query: Select[Any], at: datetime) -> Select[Any]:
        return (
            query.where(self._table.c.due_at <= at, self._are_free(at))
            # Under SQLite this transaction is the only one that writes.
            .with_for_update(of=self._table, skip_locked=True)
        )

    def _are_free(self, at: datetime) -> Any:
        until = self._table.c.leased_until
        return or_(until.is_(None), until <= at)

    def _held(self, lease: Lease) -> tuple[Any, Any]:
        return self._table.c.id == lease.id, self._table.c.leased_until == lease.until

    async def _lease(
        self, connection: AsyncConnection, ids: Sequence[str], until: datetime
    ) -> None:
        if ids:
            taken = update(self._table).where(self._table.c.id.in_(ids))
            await connection.execute(taken.values(leased_until=until))

    async def _pause_s(self, connection: AsyncConnection, at: datetime) -> float:
        due_at = self._table.c.due_at
        first: datetime | None = await connection.scalar(
            select(func.min(due_at)).where(due_at > at)
        )
        return LOOK_EVERY_S if first is None else min(LOOK_EVERY_S, (first - at).total_seconds())


def random_pause(longest_s: float) -> timedelta:
    """Return a pause before the next attempt: what failed together does not come back together."""
    return timedelta(seconds=uniform(0, longest_s))  # noqa: S311 - nobody gains by guessing it


async def _clock(connection: AsyncConnection) -> datetime:
    """Return the time that leases go by: workers' own clocks may differ."""
    if connection.dialect.name == "postgresql":
        at: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
        return at
    return now()
