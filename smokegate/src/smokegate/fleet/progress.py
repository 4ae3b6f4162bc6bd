"""A fleet as it is watched: how many stand how so far, and a line for each that is not fine."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from typing import TextIO

from smokegate.fleet.standing import FleetReport, Standing
from smokegate.reports.escaping import no_command
from smokegate.reports.outlet import Outlet, understands_escapes
from smokegate.reports.table import Column, table
from smokegate.reports.terminal import BOLD, COLORS_OF_ACTIONS, DIM
from smokegate.reports.wording import seconds, several
from smokegate.results import Action

SIGNS = {
    Action.PROCEED: "✓",
    Action.MONITOR: "⚠",
    Action.INCONCLUSIVE: "?",
    Action.INVESTIGATE: "✗",
    Action.ROLLBACK: "✗",
}
_CLEAR = "\r\x1b[2K"
_REPORTS = 10  # how often a log hears how far it is


class Progress:
    """Shows a fleet on a stream: a live line on a terminal, now and then a line elsewhere."""

    def __init__(
        self, stream: TextIO, total: int, *, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._outlet = Outlet(stream)
        self._total = total
        self._is_live = understands_escapes(self._outlet, environ)
        self._has_color = self._is_live and not environ.get("NO_COLOR")
        self._counts: Counter[Action] = Counter()

    def began(self, file: str) -> None:
        """Show what is going to be verified."""
        self._outlet.line(f"Verifying: {several(self._total, 'target')} of {file}")
        self._draw()

    def ended(self, standing: Standing) -> None:
        """Show one target that has its verdict, if it is not fine, and how far it is."""
        self._counts[standing.action] += 1
        if self._is_live:
            self._outlet.write(_CLEAR)
        if standing.action is not Action.PROCEED:
            self._outlet.line(no_command(f"{self._signed(standing)}: {_why(standing)}"))
        self._draw()

    def finish(self, report: FleetReport) -> None:
        """Show the table of those that are not fine, and what it comes to."""
        if self._is_live:
            self._outlet.write(_CLEAR)
        not_fine = [each for each in report.targets if each.action is not Action.PROCEED]
        if not_fine:
            self._outlet.line("")
            self._table(not_fine)
        self._outlet.line("")
        name = self._paint(report.worst.name, COLORS_OF_ACTIONS[report.worst])
        took = seconds(report.duration_s)
        self._outlet.line(f"{name}: {in_words(report.counts)}, {took}")
        if report.interrupted:
            self._outlet.line(f"Interrupted by {report.interrupted}: not all were verified.")

    def _draw(self) -> None:
        """Say how far it is: over the line before, or in a log a few times in all."""
        done = sum(self._counts.values())
        words = f"{done} of {self._total}: {in_words(self._counts)}" if done else ""
        if self._is_live:
            self._outlet.write(words[: self._outlet.width - 1])
        elif words and done * _REPORTS // self._total > (done - 1) * _REPORTS // self._total:
            self._outlet.line(words)

    def _signed(self, standing: Standing) -> str:
        sign = self._paint(SIGNS[standing.action], COLORS_OF_ACTIONS[standing.action])
        return f"{sign} {self._paint(standing.name, BOLD)} {standing.action.value}"

    def _table(self, standings: list[Standing]) -> None:
        columns = [
            Column(heading="TARGET", cells=[each.name for each in standings], left=True),
            Column(heading="VERDICT", cells=[each.action.value for each in standings], left=True),
            Column(
                heading="VERSION", cells=[each.version for each in standings], left=True, spare=2
            ),
            Column(
                heading="TOOK",
                cells=[seconds(each.duration_s) for each in standings],
                spare=1,
            ),
            Column(
                heading="ITS REPORT", cells=[each.page for each in standings], left=True, spare=3
            ),
        ]
        for line in table(
            columns, width=self._outlet.width, head=lambda words: self._paint(words, DIM)
        ):
            self._outlet.line(no_command(line.rstrip()))

    def _paint(self, words: str, code: str) -> str:
        return f"\x1b[{code}m{words}\x1b[0m" if self._has_color else words


def in_words(counts: Counter[Action]) -> str:
    """Say how many targets have which verdict, the worst first."""
    return ", ".join(f"{counts[each]} {each.value}" for each in reversed(Action) if counts[each])


def _why(standing: Standing) -> str:
    return "; ".join(standing.causes) or standing.reason
