"""An event loop without sockets whose clock jumps: what waits for a time has it at once."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


# Rounds without a jump after which what spins, waiting for a time, is given it.
_MOST_ROUNDS = 10_000


class Hangs(Exception):
    """Everything waits for something that cannot come."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs coroutines of one thread; opening a socket or starting a thread's work fails."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._rounds = 0
        self.set_exception_handler(lambda *_: None)  # of tasks that a check leaves behind

    def time(self) -> float:
        """Seconds since the loop was made, on its own clock."""
        return self._now_s

    def run_in_executor(self, *_: Any) -> Any:  # type: ignore[override]  # there is none
        """Refuse: what a thread does cannot be replayed."""
        raise NotImplementedError("a replay has no threads")

    def _run_once(self) -> None:
        ready = self._ready
        self._rounds += 1
        if not ready or (self._rounds > _MOST_ROUNDS and self._scheduled):
            self._jump()
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle.cancelled():
                handle._run()

    def _jump(self) -> None:
        """Go to the next time that something waits for."""
        self._rounds = 0
        while self._scheduled:
            timer = heapq.heappop(self._scheduled)
            timer._scheduled = False  # type: ignore[attr-defined]  # as asyncio's own loop does
            if not timer.cancelled():
                self._now_s = max(self._now_s, timer.when())
                self._ready.append(timer)
                return
        raise Hangs

    def _process_events(self, _: object) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nothing sleeps that would have to be woken up."""


def in_virtual_loop(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine on a virtual clock; raises `Hangs` where it would wait for ever."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()
