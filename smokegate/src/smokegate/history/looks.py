"""How the history looks on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smokegate.reports.escaping import one_line
from smokegate.reports.outlet import Outlet
from smokegate.reports.pen import Pen, shows_color
from smokegate.reports.table import Column
from smokegate.reports.terminal import COLORS_OF_ACTIONS, COLORS_OF_OUTCOMES

_OF_VERDICTS = {action.value: color for action, color in COLORS_OF_ACTIONS.items()}
_OF_OUTCOMES = {outcome.value: color for outcome, color in COLORS_OF_OUTCOMES.items()}


@dataclass(frozen=True, kw_only=True)
class Looks(Pen):
    """Writes the lines of the history."""

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
    return Looks(width=outlet.width, color=shows_color(outlet, environ))


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
