"""The standard streams, which may be missing, closed or broken."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def say(line: str) -> None:
    """Say something on standard error, as far as that can be written to."""
    try:
        print(line, file=sys.stderr)  # noqa: T201
    except (OSError, ValueError):
        return  # there is nobody left to tell


def say_at_once(line: str) -> None:
    """Say something in a signal handler or any thread: past the stream, which may be in use."""
    with suppress(OSError):  # there is nobody left to tell
        os.write(2, f"{line}\n".encode(errors="backslashreplace"))


def open_missing() -> None:
    """Give programs that are started without output (cron, daemons) one that goes nowhere.

    All three descriptors are taken: a journal that got the number 2 would be written to by
    whatever reports an error.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for number, name in (1, "stdout"), (2, "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115


def flush() -> None:
    """Flush the output here: at exit a closed pipe would turn the verdict's code into another."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
