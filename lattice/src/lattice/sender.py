"""Sending what an outbox holds: soon, and again if it did not arrive.

At least once: what is sent is done when that is written down.
"""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from typing import Generic, Protocol, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from lattice.database import uninterrupted
from lattice.outbox import Lease

DATABASE_PAUSE_S = 1.0


class Leased(Protocol):
    """Something to be sent, which is ours for a while."""

    @property
    def lease(self) -> Lease:
        """For how long."""


Item = TypeVar("Item", bound=Leased)
Outcome = TypeVar("Outcome")
Outcome_contra = TypeVar("Outcome_contra", contravariant=True)
Channel = TypeVar("Channel")


class Outbox(Protocol[Item, Outcome_contra]):
    """What is to be sent."""

    async def take(self, count: int) -> tuple[list[Item], float]:
        """Take up to so many that are due; return them and the time until there may be more."""

    async def record(self, item: Item, outcome: Outcome_contra) -> None:
        """Write down what came of an attempt, unless it is another worker's by now."""

    async def give_back(self, item: Item) -> None:
        """Let any worker take it at once."""


class Sender(ABC, Generic[Item, Outcome, Channel]):
    """Sends what is due, `at_once` at a time, and sleeps until there is more."""

    def __init__(
        self, outbox: Outbox[Item, Outcome], wakening: asyncio.Event, at_once: int
    ) -> None:
        self._outbox = outbox
        self._wakening = wakening
        self._free = at_once
        self._log = structlog.get_logger("lattice").bind(sender=type(self).__module__)

    @abstractmethod
    def _open(self) -> AbstractAsyncContextManager[Channel]:
        """Open what is sent through; asked for once there is something to send."""

    @abstractmethod
    async def _send(self, channel: Channel, item: Item) -> Outcome:
        """Send once, and say what came of it."""

    async def run(self) -> None:
        """Send until cancelled; what is under way then is given back."""
        due, pause_s = await self._look()
        # What sends takes long to import, and reading the trusted certificates: that would be felt
        # at every start, often for nothing.
        while not due:
            await self._sleep(pause_s)
            due, pause_s = await self._look()
        async with self._open() as channel, asyncio.TaskGroup() as group:
            while True:
                for item in due:
                    group.create_task(self._attend(channel, item))
                await self._sleep(pause_s)
                due, pause_s = await self._look()

    async def _look(self) -> tuple[list[Item], float | None]:
        """Take what is due; return it and the time until there is more, None until woken."""
        self._wakening.clear()
        if self._free == 0:
            return [], None
        try:
            due, pause_s = await uninterrupted(self._outbox.take(self._free))
        except SQLAlchemyError as error:
            # While the database is away this is said every second: without a traceback.
            self._log.warning("what is due cannot be read", error=type(error).__name__)
            return [], DATABASE_PAUSE_S
        self._free -= len(due)
        return due, pause_s

    async def _sleep(self, pause_s: float | None) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._wakening.wait()
        except TimeoutError:
            return

    async def _attend(self, channel: Channel, item: Item) -> None:
        try:
            outcome = None if item.lease.is_held_up else await self._send(channel, item)
        except asyncio.CancelledError:
            await self._record(item, None)
            raise
        except Exception:
            # Ours to mend: the others go on, and it is taken again when its lease has ended.
            self._log.exception("an attempt has broken off", id=item.lease.id)
        else:
            await self._record(item, outcome)
        self._free += 1
        self._wakening.set()

    async def _record(self, item: Item, outcome: Outcome | None) -> None:
        try:
            if outcome is None:
                await self._outbox.give_back(item)
            else:
                await uninterrupted(self._outbox.record(item, outcome))
        except SQLAlchemyError:
            # It is taken again when its lease has ended.
            self._log.exception("what was sent is not recorded", id=item.lease.id)
