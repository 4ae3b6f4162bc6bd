"""A terminal just clever enough to show what a person would see."""

from __future__ import annotations

import io
import re

_PART = re.compile(r"\x1b\[[\d;]*[A-Za-z]|\n|\r|[^\x1b\n\r]+|\x1b")


class Screen(io.StringIO):
    """Interprets newline, carriage return, cursor up, erase below, and colours."""

    encoding = "utf-8"

    def __init__(self) -> None:
        super().__init__()
        self._rows = [""]
        self._row = 0
        self.colors: set[str] = set()
        self.frames: list[list[str]] = []

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        for part in _PART.findall(text):
            self._interpret(part)
        self.frames.append(self.lines)
        return len(text)

    @property
    def lines(self) -> list[str]:
        """The rows as far as there is something in them."""
        return "\n".join(self._rows).rstrip("\n").split("\n")

    def _interpret(self, part: str) -> None:
        if part == "\n":
            self._row += 1
            if self._row == len(self._rows):
                self._rows.append("")
        elif part == "\r":
            pass  # whatever is drawn after it begins with an erasure
        elif part.startswith("\x1b["):
            self._command(part[2:-1], part[-1])
        else:
            assert part != "\x1b", "a bare escape character"
            self._rows[self._row] += part

    def _command(self, number: str, command: str) -> None:
        if command == "A":
            self._row -= int(number)
            assert self._row >= 0
        elif command == "J":
            del self._rows[self._row :]
            self._rows.append("")
        else:
            assert command == "m", f"an escape sequence that is not ours: {command}"
            self.colors.add(number)
