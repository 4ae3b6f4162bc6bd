"""Deliveries that are due, and what is written down of attempts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lattice.database import EVERY_TENANT, Database, now
from lattice.outbox import Lease, Leases, random_pause
from lattice.settings import Settings
from lattice.webhooks.schemas import DeliveryStatus
from lattice.webhooks.tables import deliveries, webhooks

GONE = "the receiver answered 410: the webhook is disabled"
DELIVERIES = (
    select(
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
    .order_by(deliveries.c.due_at, deliveries.c.number)
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of sending once: delivered when there is no error."""

    response_status: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery to be sent now, and where to."""

    lease: Lease
    body: str
    attempts: int
    webhook_id: str
    url: str
    secrets: tuple[str, ...]

    @property
    def id(self) -> str:
        """The id of the delivery."""
        return self.lease.id


def judge(
    attempt: Attempt, attempts: int, at: datetime, pauses_s: Sequence[float]
) -> dict[str, Any]:
    """Return what to write down after `attempts` attempts, this one included.

    The pause before the next is random, up to what `pauses_s` says.
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
    return values | {"due_at": at + random_pause(pauses_s[attempts - 1])}


class Outbox:
    """The deliveries of all tenants, as workers take them."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._pauses_s = settings.webhook_pauses_s
        self._leases = Leases(database, deliveries, settings.webhook_timeout_s)

    async def take(self, count: int) -> tuple[list[Due], float]:
        """Take up to so many of what is due; return it and the time until there may be more."""
        taken, pause_s = await self._leases.take(DELIVERIES, count)
        return [_due(row, lease) for row, lease in taken], pause_s

    async def record(self, delivery: Due, attempt: Attempt) -> None:
        """Write down what came of an attempt, unless the delivery is another worker's by now."""
        values = judge(attempt, delivery.attempts + 1, now(), self._pauses_s)
        async with self._database.writing(EVERY_TENANT) as connection:
            if attempt.response_status == HTTPStatus.GONE:
                await self._disable(connection, delivery)
            await self._leases.end(connection, delivery.lease, values)

    async def give_back(self, delivery: Due) -> None:
        """Let any worker take it at once."""
        await self._leases.give_back(delivery.lease)

    async def _disable(self, connection: AsyncConnection, delivery: Due) -> None:
        """Disable the webhook, if it still leads there, and give up what waits for it."""
        there = (webhooks.c.id == delivery.webhook_id, webhooks.c.url == delivery.url)
        disabled = await connection.execute(update(webhooks).where(*there).values(enabled=False))
        if disabled.rowcount == 0:
            return
        waits = (
            deliveries.c.webhook_id == delivery.webhook_id,
            deliveries.c.status == DeliveryStatus.PENDING,
            # What is under way ends by itself.
            await self._leases.are_free(connection),
        )
        given_up = {"status": DeliveryStatus.FAILED, "due_at": None, "error": GONE}
        await connection.execute(update(deliveries).where(*waits).values(given_up))


def _due(row: Row[Any], lease: Lease) -> Due:
    until = row.previous_secret_until
    is_grace = until is not None and lease.taken_at < until
    return Due(
        lease=lease,
        body=row.body,
        attempts=row.attempts,
        webhook_id=row.webhook_id,
        url=row.url,
        secrets=(row.secret, row.previous_secret) if is_grace else (row.secret,),
    )
