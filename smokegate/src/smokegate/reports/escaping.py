"""Text from the target, made safe to show.

A reply may hold terminal escape sequences, characters that reorder a line, half a surrogate
pair, or a line that a CI system would take for a command. All of it stays readable, none of it
acts.
"""

from __future__ import annotations

import re

# Azure Pipelines, TeamCity and old GitHub runners look for these anywhere in a line.
_COMMAND_ANYWHERE = re.compile(r"##(?=[a-z]*\[)", re.IGNORECASE)
# GitHub takes "::name data::" for a command where a line begins, after spaces.
_COMMAND_AT_START = re.compile(r"^(\s*):(?=:.*::)")


def visible(text: str) -> str:
    r"""Return the text with everything unprintable but newlines written out, as in `\x1b`."""
    text = text.replace("\r\n", "\n").expandtabs(4)
    if not text.isprintable():
        text = "".join(_written_out(char) for char in text)
    return _COMMAND_ANYWHERE.sub(r"#\\x23", text) if "##" in text else text


def one_line(text: str, limit: int = 500) -> str:
    """Return the text as one visible line of at most `limit` characters."""
    # What is cut away anyway need not be looked at: a body may be megabytes long.
    text = visible(" ".join(text[: 20 * limit].split()))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def lines(text: str) -> str:
    """Return a text of several lines, each visible and none of them a command."""
    return "\n".join(no_command(line) for line in visible(text).split("\n"))


def no_command(line: str) -> str:
    """Return a line that no CI system takes for a command."""
    return _COMMAND_AT_START.sub(r"\1\\x3a", line)


def _written_out(char: str) -> str:
    if char.isprintable() or char == "\n":
        return char
    return char.encode("unicode_escape").decode("ascii")
