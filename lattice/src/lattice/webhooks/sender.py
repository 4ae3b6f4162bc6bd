"""Sending what the outbox holds: soon, signed, and again if it did not arrive.

At least once: a delivery is done when its receiver has answered 2xx and that is written down.
A receiver tells repeats by `webhook-id`.
"""

import asyncio
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

from lattice.database import Database, now, uninterrupted
from lattice.settings import Settings
from lattice.webhooks.outbox import Attempt, Due, Outbox
from lattice.webhooks.signing import sign

if TYPE_CHECKING:
    from lattice.webhooks.posting import Poster

AT_ONCE = 16
DATABASE_PAUSE_S = 1.0


class Sender:
    """Delivers what is due, `AT_ONCE` at a time, and sleeps until there is more."""

    def __init__(self, database: Database, wakening: asyncio.Event, settings: Settings) -> None:
        self._outbox = Outbox(database, settings)
        self._wakening = wakening
        self._settings = settings
        self._free = AT_ONCE

    async def run(self) -> None:
        """Send until cancelled; what is under way then is given back."""
        due, pause_s = await self._look()
        # What posts takes long to import, and reading the trusted certificates: that would be felt
        # at every start, often for nothing.
        while not due:
            await self._sleep(pause_s)
            due, pause_s = await self._look()
        poster = await asyncio.to_thread(_make_poster, self._settings)
        async with poster, asyncio.TaskGroup() as group:
            while True:
                for delivery in due:
                    group.create_task(self._deliver(poster, delivery))
                await self._sleep(pause_s)
                due, pause_s = await self._look()

    async def _look(self) -> tuple[list[Due], float | None]:
        """Take what is due; return it and the time until there is more, None until woken."""
        self._wakening.clear()
        if self._free == 0:
            return [], None
        try:
            due, pause_s = await uninterrupted(self._outbox.take(self._free))
        except SQLAlchemyError as error:
            # While the database is away this is said every second: without a traceback.
            log = structlog.get_logger("lattice")
            log.warning("deliveries cannot be read", error=type(error).__name__)
            return [], DATABASE_PAUSE_S
        self._free -= len(due)
        return due, pause_s

    async def _sleep(self, pause_s: float | None) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._wakening.wait()
        except TimeoutError:
            return

    async def _deliver(self, poster: "Poster", delivery: Due) -> None:
        try:
            attempt = None if delivery.is_held_up else await self._send(poster, delivery)
        except asyncio.CancelledError:
            await self._record(delivery, None)
            raise
        await self._record(delivery, attempt)
        self._free += 1
        self._wakening.set()

    async def _record(self, delivery: Due, attempt: Attempt | None) -> None:
        try:
            if attempt is None:
                await self._outbox.give_back(delivery)
            else:
                await uninterrupted(self._outbox.record(delivery, attempt))
        except SQLAlchemyError:
            # It is taken again when its lease has ended.
            structlog.get_logger("lattice").exception("delivery not recorded", id=delivery.id)

    async def _send(self, poster: "Poster", delivery: Due) -> Attempt:
        headers = sign(delivery.secrets, delivery.id, now(), delivery.body)
        headers["Content-Type"] = "application/json"
        return await poster.post(delivery.url, headers, delivery.body.encode())


def _make_poster(settings: Settings) -> "Poster":
    from lattice.webhooks.posting import Poster

    return Poster(settings)
