"""Whose turn it is: so many targets at once, and so many of one host."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE_S = 3.0
_WAITING = 8  # times as many as have a turn may wait


class Turns:
    """Gives turns.

    Work that goes on for longer than `patience_s` waits for its target, and passes its turn on: the
    dead hold nobody up. With None it keeps it.
    """

    def __init__(self, at_once: int, per_host: int, patience_s: float | None = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._turns = asyncio.Semaphore(at_once)
        self._begun = asyncio.Semaphore(at_once * _WAITING)
        self._hosts: defaultdict[str, asyncio.Semaphore]
        self._hosts = defaultdict(lambda: asyncio.Semaphore(per_host))

    async def take(self, host: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do the work when it is its turn."""
        # Who waits for a host holds up nobody else.
        async with self._hosts[host], self._begun:
            return await (await self._begin(work))

    async def _begin(self, work: Callable[[], Coroutine[Any, Any, T]]) -> Awaitable[T]:
        async with self._turns:
            task = asyncio.create_task(work())
            await asyncio.wait([task], timeout=self._patience_s)
        return task
