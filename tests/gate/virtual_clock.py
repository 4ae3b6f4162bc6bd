"""An event loop whose time jumps to the next timer as soon as there is nothing else to do."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from contextvars import Context
from typing import TypeVarTuple

Arguments = TypeVarTuple("Arguments")


class _Jump(selectors.DefaultSelector):
    """A selector that does not wait: it looks, and lets the loop's clock jump instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise AssertionError("nothing is ready, and nothing is due: the test hangs")
        self.now_s += timeout
        return []


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """A loop for tests without sockets and threads; its clock starts at 1000 seconds."""

    def __init__(self) -> None:
        self._jump = _Jump()
        self._jump.now_s = 1000.0
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now_s

    def call_at(
        self,
        when: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        # Rounded so that timers for the same moment are due together, whatever sums led there.
        return super().call_at(round(when, 6), callback, *args, context=context)
