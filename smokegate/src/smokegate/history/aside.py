"""Remembering in a process of its own, which makes itself ready while the target is asked.

What a database takes is heavy to import; a verdict would wait for it after the last reply.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, NoReturn

import msgspec

from smokegate.history import NOWHERE
from smokegate.reports.last_good import LastGood
from smokegate.results import from_json
from smokegate.settings import Settings
from smokegate.signals import ENDING

_CHUNK_BYTES = 65_536
_GIVEN = b"."


class Remembered(msgspec.Struct, frozen=True):
    """What came of it: the trouble in one line, if any, and the last good run before this one."""

    trouble: str = ""
    last_good: LastGood | None = None
    is_away: bool = False  # the run could not be taken in


class Aside:
    """A process that remembers the one run that it is given.

    The run lies in memory that both have, so that giving it waits for nobody; `line` says when it
    does, and what came of it.
    """

    def __init__(self, process: int, line: socket.socket, shared: BinaryIO) -> None:
        self._process = process
        self._line = line
        self._shared = shared
        self._is_asked = False

    def give(self, evidence: bytes) -> None:
        """Have a run remembered, as `to_json` wrote it, while other things are done.

        Raises `OSError` where the process has gone or memory is short.
        """
        self._shared.write(evidence)
        self._shared.flush()
        self._line.sendall(_GIVEN)
        self._is_asked = True

    def remembered(self) -> Remembered | None:
        """Wait for what came of it; None where nothing did, so that the work may be done."""
        if not self._is_asked:
            return None
        try:
            return msgspec.json.decode(_all_of(self._line), type=Remembered)
        except (OSError, msgspec.DecodeError):
            return None

    def end(self) -> None:
        """End what was never asked; what was goes on to its end, whoever waits for it."""
        self._line.close()
        with suppress(OSError):  # of what could not be given, and is not to be
            self._shared.close()
        if not self._is_asked:
            with suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGKILL)
        with suppress(ChildProcessError):  # where SIGCHLD is ignored nobody has to
            os.waitpid(self._process, os.WNOHANG if self._is_asked else 0)


@contextmanager
def remembering_aside(settings: Settings) -> Iterator[Aside | None]:
    """Have a process get ready to remember a run; None where there is to be none.

    A fork is safe with one thread only, and on macOS not even then. Pythons that were built for old
    systems, such as those of uv and conda for long, have no `memfd_create`.
    """
    aside = None
    if settings.history != NOWHERE and _can_fork():
        with suppress(OSError):  # no process more: then it is done here
            aside = _forked(settings)
    try:
        yield aside
    finally:
        if aside:
            aside.end()


def _can_fork() -> bool:
    return sys.platform == "linux" and hasattr(os, "memfd_create") and threading.active_count() == 1


def _forked(settings: Settings) -> Aside:
    shared = os.fdopen(os.memfd_create("run"), "w+b")
    ours, theirs = socket.socketpair()
    # A signal in between would make a second run of it.
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        with theirs:
            process = os.fork()
            if process == 0:
                ours.close()
                _serve(theirs, shared, settings)
    except OSError:
        ours.close()
        shared.close()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
    return Aside(process, ours, shared)


def _serve(line: socket.socket, shared: BinaryIO, settings: Settings) -> NoReturn:
    """Remember what comes, if it comes whole; without an answer the one who asked does it."""
    try:
        for number in ENDING:  # it ends when the one who asks does
            signal.signal(number, signal.SIG_IGN)
        from smokegate.history.remembering import make_ready, remember

        make_ready(settings)
        if line.recv(len(_GIVEN)):
            shared.seek(0)
            line.sendall(msgspec.json.encode(remember(from_json(shared.read()), settings)))
            line.close()  # to end takes some milliseconds, for which nobody need wait
    finally:
        os._exit(0)


def _all_of(line: socket.socket) -> bytes:
    return b"".join(iter(lambda: line.recv(_CHUNK_BYTES), b""))
