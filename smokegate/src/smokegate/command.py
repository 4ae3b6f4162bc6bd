"""A command of the user's, run within a time limit, its output shown without secrets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO

from smokegate.client.redaction import LONGEST_SECRET, Redactor

_LINE_BYTES = 65_536
_MOST_BYTES = 1_000_000
_LAST_WORDS_S = 2.0  # for the output of a command that has ended, and for one that must end


def run(
    words: list[str],
    environ: Mapping[str, str],
    given: bytes,
    *,
    limit_s: float,
    redactor: Redactor,
    show: Callable[[str], None],
) -> str:
    """Run a command with something on its standard input; what went wrong, or nothing.

    `show` gets each line that it prints. When its time is over, or the caller is interrupted, it
    is ended with all that it started.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the words are the user's own
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environ),
            start_new_session=True,
        )
    except OSError as error:
        return f"it could not be started: {error.strerror}"
    try:
        return _watched(process, given, limit_s, lambda stream: _show(stream, redactor, show))
    finally:
        if process.poll() is None:
            _end(process)


def _watched(
    process: subprocess.Popen[bytes],
    given: bytes,
    limit_s: float,
    show: Callable[[IO[bytes]], None],
) -> str:
    _in_background(_feed, process.stdin, given)
    shown = _in_background(show, process.stdout)
    try:
        code = process.wait(limit_s)
        wrong = f"it ended with exit code {code}" if code else ""
    except subprocess.TimeoutExpired:
        _end(process)
        wrong = f"it did not end within {limit_s:g} s"
    shown.join(_LAST_WORDS_S)  # what it left running may keep its output open
    return wrong


def _in_background(work: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def _feed(stream: IO[bytes], content: bytes) -> None:
    with suppress(OSError), stream:  # a command need not read what it is given
        stream.write(content)


def _show(stream: IO[bytes], redactor: Redactor, show: Callable[[str], None]) -> None:
    """Show what a command prints, up to a limit, and read the rest so that it can go on."""
    left = _MOST_BYTES
    with stream:
        while line := stream.readline(_LINE_BYTES):
            if left > 0:
                show(_without_secrets(line, redactor))
                left -= len(line)
                if left <= 0:
                    show("... what it prints beyond 1 MB is not shown")


def _without_secrets(line: bytes, redactor: Redactor) -> str:
    """A line as text; of one that was cut the end goes, where half a secret could be."""
    text = redactor.text(line.decode("utf-8", "replace"))
    is_cut = len(line) == _LINE_BYTES and not line.endswith(b"\n")
    return text[:-LONGEST_SECRET] if is_cut else text.rstrip("\r\n")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command with its whole process group, which it leads."""
    if sys.platform == "win32":
        process.kill()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_LAST_WORDS_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
