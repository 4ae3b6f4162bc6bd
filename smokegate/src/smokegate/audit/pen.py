"""How the lines of an audit look, and how much they tell."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from smokegate.reports.layout import paragraph
from smokegate.reports.pen import INDENT, Pen
from smokegate.reports.table import Column
from smokegate.reports.terminal import DIM, GREEN, RED, YELLOW

_GOOD, _FAIR = 0.9, 0.7


@dataclass(frozen=True, kw_only=True)
class AuditPen(Pen):
    """Writes the lines of an audit; `verbose` leaves nothing out."""

    verbose: bool

    def item(self, sign: str, text: str, color: str) -> Iterator[str]:
        """A paragraph with a sign before it, which alone is coloured."""
        lines = paragraph(text, width=self.width, indent=INDENT * 2)
        for number, line in enumerate(lines):
            yield f"{INDENT}{self.paint(sign, color)} {line[4:]}" if number == 0 else line

    def counts(
        self, heading: str, numbers: list[int], *, spare: int = 0, color: str = ""
    ) -> Column:
        """A column of numbers; without any it is the first to go."""
        return Column(
            heading=heading,
            cells=[f"{number:,}" if number else "-" for number in numbers],
            spare=spare if any(numbers) else 10 * spare,
            paint=lambda cell: self.paint(cell, DIM if cell.strip() == "-" else color),
        )

    def scores(self, shares: list[float]) -> Column:
        """A column of scores."""
        colors = {percent(share): color_of(share) for share in shares}
        return Column(
            heading="score",
            cells=[percent(share) for share in shares],
            paint=lambda cell: self.paint(cell, colors[cell.strip()]),
        )


def percent(share: float) -> str:
    """A share from 0 to 1 in percent; what is not whole never reads as 100%."""
    return f"{math.floor(round(share * 1000, 6)) / 10:g}%"


def color_of(score: float) -> str:
    """Green where little is missed, red where much is."""
    if score >= _GOOD:
        return GREEN
    return YELLOW if score >= _FAIR else RED
