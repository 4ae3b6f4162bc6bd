"""Text that means harm: to a terminal, to XML, HTML and Markdown, to a CI system, to secrets."""

from __future__ import annotations

import random

from tests.gate.reports.hostile import TRICKS
from tests.system.hostile.secrets import echoed

_RANGES: tuple[tuple[int, int], ...] = (
    *((0x00, 0x20), (0x20, 0x7F), (0x7F, 0xA0), (0x200B, 0x2030), (0xD800, 0xE000)),
    *((0xA0, 0x3000), (0xFFF0, 0x10000), (0x1F600, 0x1F650), (0xE0000, 0xE0080)),
)
_COMMANDS: tuple[str, ...] = (
    *("::error", "::set-output name=verdict", "::stop-commands", "##vso[task.complete]"),
    *("##[error]", "##teamcity[buildStop]", "::add-mask"),
)


def harmful(draw: random.Random) -> str:
    """One to three pieces, each of a kind that is drawn anew."""
    kinds = (_trick, _trick, echoed, _characters, _command, _long)
    return "".join(draw.choice(kinds)(draw) for _ in range(draw.randint(1, 3)))


def harmful_line(draw: random.Random) -> bytes:
    """Harmful text as a header or a status line can carry it."""
    text = harmful(draw)[:2_000].replace("\r", " ").replace("\n", " ").replace("\0", " ")
    return text.encode("utf-8", "surrogatepass")


def _trick(draw: random.Random) -> str:
    return draw.choice(TRICKS)


def _characters(draw: random.Random) -> str:
    first, end = draw.choice(_RANGES)
    return "".join(chr(draw.randrange(first, end)) for _ in range(draw.randint(1, 40)))


def _command(draw: random.Random) -> str:
    before = draw.choice(("", "\n", "\r", " ", "\n\t", "x"))
    return f"{before}{draw.choice(_COMMANDS)}::{draw.choice(('owned', '%0A::error::x', ''))}\n"


def _long(draw: random.Random) -> str:
    return draw.choice(("x", "\\", '"', "%25", "é", "😀", "&amp;", "a ")) * draw.randint(50, 5_000)
