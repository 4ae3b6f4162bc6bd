"""The signals that ask a process to end."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Windows has no SIGHUP.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
ENDING = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]

# One event may be told twice: to the group of a process, and by a parent that passes it on.
_ONE_EVENT_S = 1.0

Handler = Callable[[int, FrameType | None], object]


class Insistence:
    """A handler that tells the first signal, and the next that comes a second or more later.

    Each is told once, by its name, however many follow: what is done about it is not disturbed.
    """

    def __init__(self, first: Callable[[str], object], again: Callable[[str], object]) -> None:
        self._untold = [again, first]
        self._ready_at = time.monotonic()

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal."""
        if self._untold and time.monotonic() >= self._ready_at:
            self._ready_at = time.monotonic() + _ONE_EVENT_S
            self._untold.pop()(signal.Signals(number).name)


@contextmanager
def handled(handler: Handler) -> Iterator[None]:
    """Give the signals that ask for an end to a handler while the block runs.

    A signal that is ignored stays ignored: that is how `nohup`, and a shell that runs something in
    the background, have it. Outside the main thread, where none can be handled, this does nothing.
    """
    previous = {}
    if threading.current_thread() is threading.main_thread():
        previous = {number: signal.getsignal(number) for number in ENDING}
    taken = {each: was for each, was in previous.items() if was not in (signal.SIG_IGN, None)}
    for number in taken:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, was in taken.items():
            signal.signal(number, was)


@contextmanager
def held_back() -> Iterator[None]:
    """Have signals that ask for an end while the block runs heeded when it has ended."""
    came: list[int] = []
    try:
        with handled(lambda number, _: came.append(number)):
            yield
    finally:
        for number in came:
            signal.raise_signal(number)
