"""Ends a run that its checks do not let end.

The engine's time limits and its interruption are events of the loop, and code that blocks the loop
keeps them out. The watchdog is a thread with a clock of its own, and takes signals beside the loop.
"""

from __future__ import annotations

import asyncio
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from smokegate.signals import Insistence, handled

_AFTER_SIGNAL_S = 6.0
_OUR_FOLDER = str(Path(__file__).parent)
_THEN = "no verdict; `smokegate sweep` removes what is left at the target"

GiveUp = Callable[[str], object]


class Watchdog:
    """Calls `give_up` with one line, which names what blocks, if the block does not end in time.

    In time means within `limit_s`, and within 6 s of a signal; a second signal, which comes a
    second or more after the first, calls it at once.
    What is watched is the thread that made the watchdog. `give_up` is called in any thread and
    should not return. `told` names the signal that has come already, if one has.
    """

    def __init__(
        self, limit_s: float, give_up: GiveUp, told: Callable[[], str] = lambda: ""
    ) -> None:
        self._limit_s = limit_s
        self._give_up = give_up
        self._told = told
        self._watched = threading.get_ident()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = threading.Lock()
        # A signal handler may put something in, whatever it has interrupted. Empty: it is over.
        self._news: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._news.put("")
        self._thread.join()

    @contextmanager
    def interrupting(self, interrupt: Callable[[str], None]) -> Iterator[None]:
        """Turn the first signal into a call of `interrupt` in the running loop.

        One that comes when the block has nothing left to interrupt is for whoever heeds signals
        after it.
        """
        loop = self._loop = asyncio.get_running_loop()
        unheard: list[str] = []

        def hear() -> None:
            if unheard:
                interrupt(unheard.pop())

        def first(name: str) -> None:
            self._news.put(name)
            unheard.append(name)
            loop.call_soon_threadsafe(hear)

        with handled(Insistence(first, self._again)):
            if name := self._told():
                first(name)
            yield
        if unheard:
            signal.raise_signal(signal.Signals[unheard.pop()])

    def _again(self, name: str) -> None:
        self._end(f"{name}, the second signal, ended the run at once: {_THEN}")

    def _end(self, line: str) -> None:
        """Give up, in one thread only: the second would cut short what the first does."""
        if self._ending.acquire(blocking=False):
            self._give_up(line)

    def _watch(self) -> None:
        ends, limit = time.monotonic() + self._limit_s, f"in {self._limit_s:g} s"
        while True:
            try:
                news = self._news.get(timeout=max(0.0, ends - time.monotonic()))
            except queue.Empty:
                self._end(f"{self._culprit()} did not let the run end {limit}: {_THEN}")
                return
            if not news:
                return
            limit = f"within {_AFTER_SIGNAL_S:g} s of {news}"
            ends = min(ends, time.monotonic() + _AFTER_SIGNAL_S)

    def _culprit(self) -> str:
        """Name the task that runs, and the line at which code that is not ours was entered."""
        task = asyncio.current_task(self._loop) if self._loop else None
        stack = traceback.extract_stack(sys._current_frames()[self._watched])
        inner = len(stack)
        while inner and not stack[inner - 1].filename.startswith(_OUR_FOLDER):
            inner -= 1
        at = stack[min(inner, len(stack) - 1)]
        place = f"{Path(at.filename).name}:{at.lineno}"
        return f"{task.get_name()} ({place})" if task else f"what runs at {place}"
