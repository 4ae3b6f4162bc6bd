"""What checks print, kept with the attempt that printed it.

Checks run side by side in one process, so their output is told apart by a context variable that
every task inherits from the attempt that started it.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from contextvars import ContextVar
from typing import TextIO

from smokegate.client.redaction import LONGEST_SECRET, beginning

_MOST_CHARS = 20_000
# More than is kept: a secret that straddles the cut must be whole when it is looked for.
_HELD_CHARS = _MOST_CHARS + 2 * LONGEST_SECRET + 1


class Output:
    """The output of one attempt, capped."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._chars = 0

    def write(self, text: str) -> None:
        """Keep some text."""
        if self._chars < _HELD_CHARS:
            self._parts.append(text[: _HELD_CHARS - self._chars])
            self._chars += len(text)

    def redacted(self, text: Callable[[str], str]) -> str:
        """What was printed, without secrets."""
        return beginning("".join(self._parts), _MOST_CHARS, text)


_current: ContextVar[Output | None] = ContextVar("output of the attempt", default=None)


class _Sorter(io.TextIOBase):
    """A stream that gives each attempt its own output and lets the rest through."""

    def __init__(self, through: TextIO) -> None:
        self._through = through

    def write(self, text: str) -> int:
        output = _current.get()
        if output is None:
            return self._through.write(text)
        output.write(text)
        return len(text)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has an attribute here
        return self._through.encoding

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._through.isatty()

    def flush(self) -> None:
        if not self._through.closed:  # this one may outlive what it writes to
            self._through.flush()

    def fileno(self) -> int:
        return self._through.fileno()


@contextmanager
def sorted_by_attempt() -> Iterator[None]:
    """Tell the output of attempts apart while the block runs; within another it changes nothing."""
    if isinstance(sys.stdout, _Sorter):
        yield
        return
    with redirect_stdout(_Sorter(sys.stdout)), redirect_stderr(_Sorter(sys.stderr)):
        yield


@contextmanager
def kept() -> Iterator[Output]:
    """Keep what is printed in this task, and in those that it starts, while the block runs."""
    output = Output()
    token = _current.set(output)
    try:
        yield output
    finally:
        _current.reset(token)
