"""The live lines of a run on a terminal: one per suite, redrawn in place."""

from __future__ import annotations

from smokegate.reports.outlet import Outlet
from smokegate.results import CheckResult, Outcome

_UP_AND_CLEAR = "\x1b[{lines}A\r\x1b[J"
_NAMED_RUNNING = 3


class Progress:
    """How far one suite has come."""

    def __init__(self, suite: str) -> None:
        self.suite = suite
        self.running: list[str] = []
        self.outcomes: list[Outcome] = []

    def in_words(self) -> str:
        """Say how many checks passed, did not, and are not finished."""
        total = len(self.running) + len(self.outcomes)
        passed = sum(outcome.passes for outcome in self.outcomes)
        skipped = self.outcomes.count(Outcome.SKIPPED)
        wrong = len(self.outcomes) - passed - skipped
        parts = [f"✓ {passed:>2}", f"✗ {wrong:>2}" if wrong else "    "]
        if self.running:
            parts.append(f"{len(self.running)} of {total} running")
        if 0 < len(self.running) <= _NAMED_RUNNING:
            parts[-1] += ": " + ", ".join(self.running)
        return (f"{self.suite:<10} " + "  ".join(parts)).rstrip()


class LiveLines:
    """Draws the progress of each suite over what it drew before."""

    def __init__(self, outlet: Outlet, checks: list[tuple[str, str]]) -> None:
        self._outlet = outlet
        self._suites = {suite: Progress(suite) for suite, _ in checks}
        for suite, check in checks:
            self._suites[suite].running.append(check.partition(".")[2] or check)
        self._drawn = 0

    def finished(self, result: CheckResult) -> None:
        """Take one outcome into account and draw."""
        progress = self._suites[result.suite]
        if result.name in progress.running:
            progress.running.remove(result.name)
        progress.outcomes.append(result.outcome)
        self.draw()

    def draw(self) -> None:
        """Draw every suite's line anew; each fits into one row, or the count would be off."""
        width = self._outlet.width - 1
        lines = [progress.in_words()[:width] for progress in self._suites.values()]
        self._outlet.write(self._erasure() + "".join(f"{line}\n" for line in lines))
        self._drawn = len(lines)

    def erase(self) -> None:
        """Take the lines away again."""
        self._outlet.write(self._erasure())
        self._drawn = 0

    def _erasure(self) -> str:
        return _UP_AND_CLEAR.format(lines=self._drawn) if self._drawn else ""
