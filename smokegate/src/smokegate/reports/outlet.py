"""A stream that reports write to: it may be a terminal, a log or a closed pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TextIO

from smokegate.reports.layout import WIDTH

_TYPOGRAPHY = "✓✗⚠…→▁▂▃▄▅▆▇█·"
_ASCII = str.maketrans(
    {"✓": "+", "✗": "x", "⚠": "!", "…": "...", "→": "->", "│": "|", "·": " "}
    | dict(zip("▁▂▃▄▅▆▇█", "_,-:=+*#", strict=True))
)
# What says that a Windows console understands escape sequences.
_WINDOWS_TERMINALS = ("WT_SESSION", "ANSICON", "ConEmuANSI", "TERM")


class Outlet:
    """Writes lines that the stream can show, and never ends a run because it cannot."""

    def __init__(self, stream: TextIO, *, ascii_only: bool | None = None) -> None:
        self._stream = stream
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._ascii = not _can_encode(self._encoding) if ascii_only is None else ascii_only
        self._closed = False
        self.lost = False  # whether something could not be written that somebody waits for

    @property
    def width(self) -> int:
        """The columns of the terminal, or a readable width where there is none."""
        if not self.is_terminal:
            return WIDTH
        chosen = os.environ.get("COLUMNS", "")
        if chosen.isdecimal() and int(chosen) > 0:
            return int(chosen)
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or WIDTH
        except (OSError, ValueError):
            return WIDTH

    @property
    def is_terminal(self) -> bool:
        """Whether a person may be looking at it."""
        try:
            return self._stream.isatty()
        except (AttributeError, ValueError):
            return False

    def line(self, text: str) -> None:
        """Write one line."""
        self.write(text + "\n")

    def write(self, text: str) -> None:
        """Write and flush; once the reader is gone the rest is dropped."""
        if self._ascii:
            text = text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")
        text = text.encode(self._encoding, "backslashreplace").decode(self._encoding)
        if self._closed:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            self._closed = True  # the reader has gone, and knows it
        except OSError as error:
            self._closed = self.lost = True
            self._say_lost(error)

    def _say_lost(self, error: OSError) -> None:
        """Say where a person may still read it that output was lost."""
        if self._stream is not sys.stderr:
            with suppress(OSError, ValueError):  # then there is nobody left to tell
                sys.stderr.write(f"smokegate: output could not be written: {error.strerror}\n")


def understands_escapes(outlet: Outlet, environ: Mapping[str, str]) -> bool:
    """Whether the cursor can be moved there."""
    if not outlet.is_terminal or environ.get("TERM") == "dumb":
        return False
    return sys.platform != "win32" or any(environ.get(name) for name in _WINDOWS_TERMINALS)


def _can_encode(encoding: str) -> bool:
    try:
        _TYPOGRAPHY.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
