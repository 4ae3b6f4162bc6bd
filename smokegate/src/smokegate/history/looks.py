"""How the history looks on a terminal: its width, and its colours where there are any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from smokegate.reports.escaping import one_line
from smokegate.reports.layout import paragraph
from smokegate.reports.outlet import Outlet, understands_escapes
from smokegate.reports.table import Column, table
from smokegate.reports.terminal import BOLD, DIM, GREEN, RED, YELLOW
from smokegate.results import Outcome

INDENT = "  "
_OF_VERDICTS = {
    "proceed": GREEN,
    "monitor": GREEN,
    "inconclusive": YELLOW,
    "investigate": YELLOW,
    "rollback": RED,
}
_OF_OUTCOMES = {
    Outcome.PASSED.value: GREEN,
    Outcome.WARNED.value: YELLOW,
    Outcome.FAILED.value: RED,
    Outcome.BLOCKED.value: RED,
    Outcome.UNKNOWN.value: YELLOW,
    Outcome.SKIPPED.value: DIM,
}


@dataclass(frozen=True, kw_only=True)
class Looks:
    """Lines of `width` columns, in colour or not."""

    width: int
    color: bool

    def paint(self, text: str, color: str) -> str:
        """The text in a colour, where there are any."""
        return f"\x1b[{color}m{text}\x1b[0m" if self.color and color and text else text

    def dim(self, text: str) -> str:
        """What is there for completeness."""
        return self.paint(text, DIM)

    def title(self, text: str, color: str = BOLD) -> Iterator[str]:
        """What stands over a section."""
        for line in paragraph(text, width=self.width, hanging=INDENT):
            yield self.paint(line, color)

    def table(self, *columns: Column) -> Iterator[str]:
        """Columns under their headings."""
        return table(list(columns), width=self.width, head=self.dim)

    def verdicts(self, cells: list[str], *, heading: str = "verdict") -> Column:
        """A column of cells that begin with a verdict."""
        return Column(
            heading=heading,
            cells=[one_line(cell) for cell in cells],
            left=True,
            paint=lambda cell: self.paint(cell, color_of_verdict(cell.split(" ", 1)[0])),
        )


def looks_of(outlet: Outlet, environ: Mapping[str, str]) -> Looks:
    """What the terminal and `NO_COLOR` allow."""
    color = understands_escapes(outlet, environ) and not environ.get("NO_COLOR")
    return Looks(width=outlet.width, color=bool(color))


def color_of_verdict(action: str) -> str:
    """Green where the gate opens, red for a rollback."""
    return _OF_VERDICTS.get(action, "")


def color_of_outcome(outcome: str) -> str:
    """Green for what passed, red for what failed."""
    return _OF_OUTCOMES.get(outcome, "")


def column(heading: str, cells: list[str], *, spare: int = 0) -> Column:
    """A column of texts; without any, it is the first to go."""
    shown = [one_line(cell, 60) for cell in cells]
    return Column(heading=heading, cells=shown, left=True, spare=spare if any(cells) else 99)


def minute(moment: str) -> str:
    """A moment of the history to the minute, as in 2026-01-31 12:00; in UTC as they all are."""
    return moment[:16].replace("T", " ")
