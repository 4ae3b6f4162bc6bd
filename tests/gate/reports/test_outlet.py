from __future__ import annotations

import io
import os
import struct
import sys
from typing import TextIO

import pytest
from smokegate.reports.outlet import Outlet, understands_escapes


class Teletype(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def _stream(encoding: str) -> tuple[io.BytesIO, TextIO]:
    raw = io.BytesIO()
    return raw, io.TextIOWrapper(raw, encoding=encoding, newline="\n")


def test_signs_are_written_as_they_are_where_that_is_possible() -> None:
    raw, stream = _stream("utf-8")
    Outlet(stream).line("✓ ⚠ ✗ → …")
    assert raw.getvalue().decode() == "✓ ⚠ ✗ → …\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437"])
def test_an_encoding_without_the_signs_gets_ascii(encoding: str) -> None:
    raw, stream = _stream(encoding)
    Outlet(stream).line("✓ ⚠ ✗ → … ü 漢 \ud800")
    assert raw.getvalue() == b"+ ! x -> ... \\xfc \\u6f22 \\ud800\n"


def test_ascii_can_be_asked_for() -> None:
    raw, stream = _stream("utf-8")
    Outlet(stream, ascii_only=True).line("✓ ü")
    assert raw.getvalue() == b"+ \\xfc\n"


def test_half_a_surrogate_pair_never_ends_the_run() -> None:
    raw, stream = _stream("utf-8")
    Outlet(stream).line("a\udc80b")
    assert raw.getvalue() == b"a\\udc80b\n"


def test_a_closed_stream_takes_no_more_and_raises_nothing() -> None:
    stream = io.StringIO()
    outlet = Outlet(stream)
    stream.close()
    outlet.line("nobody reads this")
    assert not outlet.is_terminal


def test_a_reader_who_left_is_written_to_once() -> None:
    class Gone(io.StringIO):
        tries = 0

        def write(self, text: str) -> int:
            Gone.tries += 1
            raise BrokenPipeError

    outlet = Outlet(Gone())
    outlet.line("one")
    outlet.line("two")
    assert Gone.tries == 1


@pytest.mark.parametrize(
    ("stream", "platform", "environ", "wanted"),
    [
        (Teletype(), "linux", {}, True),
        (Teletype(), "linux", {"TERM": "dumb"}, False),
        (io.StringIO(), "linux", {}, False),
        (Teletype(), "win32", {}, False),
        (Teletype(), "win32", {"WT_SESSION": "1"}, True),
    ],
)
def test_escapes_are_for_terminals_that_understand_them(
    stream: TextIO,
    platform: str,
    environ: dict[str, str],
    wanted: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    assert understands_escapes(Outlet(stream), environ) is wanted


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_the_width_is_that_of_the_terminal_that_is_written_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import fcntl
    import termios

    monkeypatch.delenv("COLUMNS", raising=False)
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 73, 0, 0))
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "w") as stream:
        assert Outlet(stream).width == 73
    assert Outlet(io.StringIO()).width == 100


@pytest.mark.parametrize(("columns", "width"), [("61", 61), ("0", 100), ("wide", 100)])
def test_columns_can_be_set_by_hand(
    columns: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert Outlet(Teletype()).width == width
