"""The outbox: deliveries that are due, each taken by one worker at a time.

A worker takes a delivery for a while, its lease, and ends its attempt before the lease does. One
that is killed leaves the delivery to whoever looks after that.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from random import uniform
from typing import Any

from sqlalchemy import Row, Select, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lattice.database import EVERY_TENANT, Database, now
from lattice.settings import Settings
from lattice.webhooks.schemas import DeliveryStatus
from lattice.webhooks.tables import deliveries, webhooks

# Whoever took a delivery and was held up longer leaves it: its lease might end in mid-attempt.
BEGUN_WITHIN_S = 3.0
LEASE_SPARE_S = 2 * BEGUN_WITHIN_S
# Others may have left something: without their wakening it is found by looking.
LOOK_EVERY_S = 5.0
GONE = "the receiver answered 410: the webhook is disabled"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of sending once: delivered when there is no error."""

    response_status: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery to be sent now, and where to."""

    id: str
    body: str
    attempts: int
    webhook_id: str
    url: str
    secrets: tuple[str, ...]
    leased_until: datetime
    begun_before: float

    @property
    def is_held_up(self) -> bool:
        """Whether it was taken too long ago, by the clock of the event loop, to be sent."""
        return asyncio.get_running_loop().time() > self.begun_before


def judge(
    attempt: Attempt, attempts: int, at: datetime, pauses_s: Sequence[float]
) -> dict[str, Any]:
    """Return what to write down after `attempts` attempts, this one included.

    The pause before the next is random, up to what `pauses_s` says: what failed together does not
    come back together.
    """
    values: dict[str, Any] = {
        "attempts": attempts,
        "response_status": attempt.response_status,
        "error": attempt.error,
    }
    if attempt.error is None:
        done = {"status": DeliveryStatus.DELIVERED, "delivered_at": at, "due_at": None}
        return values | done
    if attempt.response_status == HTTPStatus.GONE:
        return values | {"error": GONE, "status": DeliveryStatus.FAILED, "due_at": None}
    if attempts > len(pauses_s):
        return values | {"status": DeliveryStatus.FAILED, "due_at": None}
    pause_s = uniform(0, pauses_s[attempts - 1])  # noqa: S311 - nobody gains by guessing it
    return values | {"due_at": at + timedelta(seconds=pause_s)}


class Outbox:
    """The deliveries of all tenants, as workers take them."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._pauses_s = settings.webhook_pauses_s
        self._lease = timedelta(seconds=settings.webhook_timeout_s + LEASE_SPARE_S)

    async def take(self, count: int) -> tuple[list[Due], float]:
        """Take up to so many of what is due; return it and the time until there may be more."""
        begun_before = asyncio.get_running_loop().time() + BEGUN_WITHIN_S
        # Through the writer: it is free once the transaction that woke us is committed.
        async with self._database.writing(EVERY_TENANT) as connection:
            at = await _clock(connection)
            rows = (await connection.execute(_select_due(at, count))).all()
            until = at + self._lease
            taken = deliveries.c.number.in_([row.number for row in rows])
            if rows:
                await connection.execute(update(deliveries).where(taken).values(leased_until=until))
            pause_s = await _pause_s(connection, at)
        return [_due(row, at, until, begun_before) for row in rows], pause_s

    async def record(self, delivery: Due, attempt: Attempt) -> None:
        """Write down what came of an attempt, unless the delivery is another worker's by now."""
        values = judge(attempt, delivery.attempts + 1, now(), self._pauses_s)
        async with self._database.writing(EVERY_TENANT) as connection:
            if attempt.response_status == HTTPStatus.GONE:
                await _disable(connection, delivery)
            await _end_lease(connection, delivery, values)

    async def give_back(self, delivery: Due) -> None:
        """Let any worker take it at once."""
        async with self._database.writing(EVERY_TENANT) as connection:
            await _end_lease(connection, delivery, {})


async def _clock(connection: AsyncConnection) -> datetime:
    """Return the time that leases go by: workers' own clocks may differ."""
    if connection.dialect.name == "postgresql":
        at: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
        return at
    return now()


def _select_due(at: datetime, count: int) -> Select[Any]:
    return (
        select(
            deliveries.c.number,
            deliveries.c.id,
            deliveries.c.body,
            deliveries.c.attempts,
            deliveries.c.webhook_id,
            webhooks.c.url,
            webhooks.c.secret,
            webhooks.c.previous_secret,
            webhooks.c.previous_secret_until,
        )
        .join(webhooks, webhooks.c.id == deliveries.c.webhook_id)
        .where(deliveries.c.due_at <= at, _is_free(at))
        .order_by(deliveries.c.due_at, deliveries.c.number)
        .limit(count)
        # Under SQLite this transaction is the only one that writes.
        .with_for_update(of=deliveries, skip_locked=True)
    )


def _is_free(at: datetime) -> Any:
    return or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until <= at)


def _due(row: Row[Any], at: datetime, until: datetime, begun_before: float) -> Due:
    is_grace = row.previous_secret_until is not None and at < row.previous_secret_until
    return Due(
        id=row.id,
        body=row.body,
        attempts=row.attempts,
        webhook_id=row.webhook_id,
        url=row.url,
        secrets=(row.secret, row.previous_secret) if is_grace else (row.secret,),
        leased_until=until,
        begun_before=begun_before,
    )


async def _pause_s(connection: AsyncConnection, at: datetime) -> float:
    query = select(func.min(deliveries.c.due_at)).where(deliveries.c.due_at > at)
    due_at: datetime | None = await connection.scalar(query)
    return LOOK_EVERY_S if due_at is None else min(LOOK_EVERY_S, (due_at - at).total_seconds())


async def _end_lease(connection: AsyncConnection, delivery: Due, values: dict[str, Any]) -> None:
    mine = (deliveries.c.id == delivery.id, deliveries.c.leased_until == delivery.leased_until)
    ended = values | {"leased_until": None}
    await connection.execute(update(deliveries).where(*mine).values(ended))


async def _disable(connection: AsyncConnection, delivery: Due) -> None:
    """Disable the webhook, if it still leads there, and give up what waits for it."""
    there = (webhooks.c.id == delivery.webhook_id, webhooks.c.url == delivery.url)
    disabled = await connection.execute(update(webhooks).where(*there).values(enabled=False))
    if disabled.rowcount == 0:
        return
    waits = (
        deliveries.c.webhook_id == delivery.webhook_id,
        deliveries.c.status == DeliveryStatus.PENDING,
        # What is under way ends by itself.
        _is_free(await _clock(connection)),
    )
    given_up = {"status": DeliveryStatus.FAILED, "due_at": None, "error": GONE}
    await connection.execute(update(deliveries).where(*waits).values(given_up))
