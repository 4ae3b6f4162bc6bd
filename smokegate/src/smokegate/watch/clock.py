"""The time as a watch has it, and how a signal cuts a wait short."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from smokegate.results import Action
from smokegate.signals import Insistence, handled
from smokegate.streams import say_at_once
from smokegate.verdict import EXIT_CODES


class Clock(Protocol):
    """What tells the time and waits; a test has one of its own."""

    stopped: str  # the name of the signal that asked for an end, or nothing

    def now_s(self) -> float:
        """Seconds on a clock that nobody sets."""
        ...

    def wall_s(self) -> float:
        """Seconds since 1970."""
        ...

    def wait(self, until_s: float) -> None:
        """Wait for a moment of `now_s`, or until a signal asks for an end."""
        ...


class _Woken(Exception):
    """A signal came while nothing was done but waiting."""


class SystemClock:
    """The clocks of this machine."""

    def __init__(self) -> None:
        self.stopped = ""
        self._is_waiting = False

    def now_s(self) -> float:
        """The monotonic clock."""
        return time.monotonic()

    def wall_s(self) -> float:
        """The clock on the wall."""
        return time.time()

    def wait(self, until_s: float) -> None:
        """Sleep; a signal ends it."""
        try:
            self._is_waiting = True
            while not self.stopped and (left_s := until_s - self.now_s()) > 0:
                time.sleep(left_s)
        except _Woken:
            pass
        finally:
            self._is_waiting = False

    @contextmanager
    def heeding_signals(self) -> Iterator[None]:
        """Take the signals that ask for an end; the second one ends the process at once."""
        with handled(Insistence(self._stop, _end_at_once)):
            yield

    def _stop(self, name: str) -> None:
        self.stopped = name
        if self._is_waiting:
            raise _Woken


def _end_at_once(name: str) -> None:
    say_at_once(f"smokegate: {name}, the second signal, ended the watch at once: no verdict")
    os._exit(EXIT_CODES[Action.INCONCLUSIVE])
