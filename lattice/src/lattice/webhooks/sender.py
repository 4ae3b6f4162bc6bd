"""Sending what the outbox holds: soon, signed, and again if it did not arrive.

At least once: a delivery is done when its receiver has answered 2xx and that is written down.
A receiver tells repeats by `webhook-id`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
import structlog
from sqlalchemy import Select, func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from lattice.database import EVERY_TENANT, Database, now, uninterrupted
from lattice.settings import Settings
from lattice.webhooks.schemas import DeliveryStatus
from lattice.webhooks.signing import sign
from lattice.webhooks.tables import deliveries, webhooks

AT_ONCE = 16
DATABASE_PAUSE_S = 1.0
ERROR_CHARACTERS_MAX = 500


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
    url: str
    secret: str


def judge(
    attempt: Attempt, attempts: int, at: datetime, pauses_s: Sequence[float]
) -> dict[str, Any]:
    """Return what to write down after `attempts` attempts, this one included."""
    values: dict[str, Any] = {
        "attempts": attempts,
        "response_status": attempt.response_status,
        "error": attempt.error,
    }
    if attempt.error is None:
        done = {"status": DeliveryStatus.DELIVERED, "delivered_at": at, "due_at": None}
        return values | done
    if attempts > len(pauses_s):
        return values | {"status": DeliveryStatus.FAILED, "due_at": None}
    return values | {"due_at": at + timedelta(seconds=pauses_s[attempts - 1])}


class Sender:
    """Delivers what is due, `AT_ONCE` at a time, and sleeps until there is more."""

    def __init__(self, database: Database, wakening: asyncio.Event, settings: Settings) -> None:
        self._database = database
        self._wakening = wakening
        self._user_agent = f"Lattice-Webhooks/{settings.version}"
        self._timeout_s = settings.webhook_timeout_s
        self._pauses_s = settings.webhook_pauses_s
        self._under_way: set[str] = set()

    async def run(self) -> None:
        """Send until cancelled; what is under way then is sent again at the next start."""
        due, pause_s = await self._look()
        # Reading the trusted certificates would be felt at every start, often for nothing.
        while not due:
            await self._sleep(pause_s)
            due, pause_s = await self._look()
        client = await asyncio.to_thread(self._make_client)
        async with client, asyncio.TaskGroup() as group:
            while True:
                for delivery in due:
                    group.create_task(self._deliver(client, delivery))
                await self._sleep(pause_s)
                due, pause_s = await self._look()

    def _make_client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            headers={"User-Agent": self._user_agent},
            timeout=self._timeout_s,
            follow_redirects=False,
            trust_env=False,
        )

    async def _look(self) -> tuple[list[Due], float | None]:
        """Take what is due; return it and the time until there is more, None until woken."""
        self._wakening.clear()
        try:
            return await uninterrupted(self._take_due())
        except SQLAlchemyError:
            structlog.get_logger("lattice").exception("deliveries cannot be read")
            return [], DATABASE_PAUSE_S

    async def _take_due(self) -> tuple[list[Due], float | None]:
        # Through the writer: it is free once the transaction that woke us is committed.
        async with self._database.writing(EVERY_TENANT) as connection:
            due = [Due(*row) for row in await connection.execute(self._select_due())]
            taken = self._under_way | {delivery.id for delivery in due}
            pause_s = await self._pause_s(connection, taken)
        # In place: a delivery may have ended since.
        self._under_way.update(delivery.id for delivery in due)
        return due, pause_s

    def _select_due(self) -> Select[Any]:
        return (
            select(
                deliveries.c.id,
                deliveries.c.body,
                deliveries.c.attempts,
                webhooks.c.url,
                webhooks.c.secret,
            )
            .join(webhooks, webhooks.c.id == deliveries.c.webhook_id)
            .where(deliveries.c.due_at <= now(), deliveries.c.id.not_in(self._under_way))
            .order_by(deliveries.c.due_at, deliveries.c.number)
            .limit(AT_ONCE - len(self._under_way))
        )

    async def _pause_s(self, connection: AsyncConnection, taken: set[str]) -> float | None:
        if len(taken) >= AT_ONCE:
            return None
        query = select(func.min(deliveries.c.due_at)).where(deliveries.c.id.not_in(taken))
        due_at: datetime | None = await connection.scalar(query)
        return None if due_at is None else max(0.0, (due_at - now()).total_seconds())

    async def _sleep(self, pause_s: float | None) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._wakening.wait()
        except TimeoutError:
            return

    async def _deliver(self, client: httpx2.AsyncClient, delivery: Due) -> None:
        attempt = await self._send(client, delivery)
        values = judge(attempt, delivery.attempts + 1, now(), self._pauses_s)
        try:
            await uninterrupted(self._record(delivery, values))
        except SQLAlchemyError:
            structlog.get_logger("lattice").exception("delivery not recorded", id=delivery.id)
            await asyncio.sleep(DATABASE_PAUSE_S)
        self._under_way.discard(delivery.id)
        self._wakening.set()

    async def _record(self, delivery: Due, values: dict[str, Any]) -> None:
        async with self._database.writing(EVERY_TENANT) as connection:
            await connection.execute(
                update(deliveries).where(deliveries.c.id == delivery.id).values(values)
            )

    async def _send(self, client: httpx2.AsyncClient, delivery: Due) -> Attempt:
        headers = sign(delivery.secret, delivery.id, now(), delivery.body)
        headers["Content-Type"] = "application/json"
        body = delivery.body.encode()
        try:
            # The client's own timeout is for one reading: a drip would last for ever.
            async with (
                asyncio.timeout(self._timeout_s),
                client.stream("POST", delivery.url, content=body, headers=headers) as reply,
            ):
                status, delivered = reply.status_code, reply.is_success
        except (TimeoutError, httpx2.TimeoutException):
            return Attempt(None, f"no answer within {self._timeout_s:g} s")
        # Whatever else a receiver can cause is its trouble and is told to its owner.
        except Exception as error:
            words = f"{type(error).__name__}: {error}"
            return Attempt(None, words[:ERROR_CHARACTERS_MAX])
        return Attempt(status, None if delivered else f"the receiver answered {status}")
