"""A run as it is watched: progress while it lasts, then its checks and the verdict."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TextIO

from smokegate.engine import CheckFinished, CleaningUp, Event, RunStarted, Waiting
from smokegate.reports.causes import Shared, cause_of, shared_causes
from smokegate.reports.details import (
    connection_in_words,
    exchange_in_words,
    further_demands,
    next_steps,
)
from smokegate.reports.escaping import no_command, one_line
from smokegate.reports.layout import Rows, labelled, paragraph
from smokegate.reports.live import LiveLines
from smokegate.reports.locations import locations_in_words
from smokegate.reports.meaning import baseline_in_words, mitigations_in_words
from smokegate.reports.outlet import Outlet, understands_escapes
from smokegate.reports.traffic import traffic
from smokegate.reports.wording import (
    NOT_PASSED,
    SIGNS,
    counts_in_words,
    leftovers_in_words,
    names_of,
    remarks,
    seconds,
    several,
    verdict_line,
    what_to_do,
    workflows_in_words,
)
from smokegate.results import Action, CheckResult, Exchange, JudgedRun, Outcome

RED, YELLOW, GREEN, BOLD, DIM = "31", "33", "32", "1", "2"
COLORS_OF_OUTCOMES = {
    Outcome.PASSED: GREEN,
    Outcome.WARNED: YELLOW,
    Outcome.FAILED: RED,
    Outcome.BLOCKED: RED,
    Outcome.UNKNOWN: YELLOW,
    Outcome.SKIPPED: DIM,
}
COLORS_OF_ACTIONS = {
    Action.PROCEED: GREEN,
    Action.MONITOR: GREEN,
    Action.INVESTIGATE: YELLOW,
    Action.INCONCLUSIVE: YELLOW,
    Action.ROLLBACK: RED,
}
_INDENT = "    "
_SHORTEST_TITLE = 12


class Terminal:
    """Shows one run on a stream.

    On a terminal there is a live line per suite; elsewhere a line for each check as it ends.
    `color` and `ascii_only` are found out from the stream and the environment (`NO_COLOR`,
    `TERM`) unless given.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        verbose: bool = False,
        color: bool | None = None,
        ascii_only: bool | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._outlet = Outlet(stream, ascii_only=ascii_only)
        self._verbose = verbose
        self._is_live = understands_escapes(self._outlet, environ)
        self._color = self._is_live and not environ.get("NO_COLOR") if color is None else color
        self._live: LiveLines | None = None
        self._shown: set[str] = set()
        self._causes: set[tuple[str, ...]] = set()
        self._id_width = 0
        self._moment = ""

    def listen(self, event: Event) -> None:
        """Show an event of the engine."""
        if isinstance(event, RunStarted):
            self._started(event)
        elif isinstance(event, CheckFinished):
            self._finished(event.result)
        elif not isinstance(event, CleaningUp):
            self._waiting(event)

    def finish(self, run: JudgedRun) -> None:
        """Show what was not shown yet, what the failures have in common, and the verdict."""
        if self._live is not None:
            self._live.erase()
        self._id_width = max((len(check.id) for check in run.everything), default=0)
        self._moment = run.started_at
        causes = shared_causes(run)
        alone = {shared.checks[0].id for shared in causes if len(shared.checks) == 1}
        for check in run.everything:
            if check.id not in self._shown:
                self._check(check, run, explain=check.id in alone)
        if self._verbose:
            self._resources(run)
        for shared in causes:
            if len(shared.checks) > 1:
                self._shared(shared, run)
        self._verdict(run)

    def _started(self, event: RunStarted) -> None:
        self._id_width = max((len(check) for _, check in event.checks), default=0)
        self._moment = event.started_at
        partial = " (partial)" if event.partial else ""
        words = f"{several(len(event.checks), 'check')}{partial} against {one_line(event.target)}"
        self._paragraph(f"Verifying: {words}, run {event.run_id}", indent="")
        if self._is_live:
            self._live = LiveLines(self._outlet, event.checks)
            self._live.draw()

    def _finished(self, check: CheckResult) -> None:
        if self._live is not None:
            self._live.finished(check)
            return
        key = cause_of(check).key
        self._check(check, None, explain=key not in self._causes)
        if check.outcome in NOT_PASSED:
            self._causes.add(key)
        self._shown.add(check.id)

    def _waiting(self, event: Waiting) -> None:
        if self._live is not None:
            self._live.erase()
        self._paragraph(f"Waiting: {one_line(event.reason)}", indent="")
        if self._live is not None:
            self._live.draw()

    def _check(self, check: CheckResult, run: JudgedRun | None, *, explain: bool) -> None:
        """Show one check; `explain` is false where its cause is told elsewhere."""
        self._heading(check)
        if self._verbose:
            self._exchanges(attempt.exchanges for attempt in check.attempts)
            for remark in check.remarks:
                self._paragraph(one_line(remark))
        if check.outcome is Outcome.WARNED:
            for warning in check.warnings or [check.reason]:
                self._paragraph(one_line(warning))
        elif check.outcome is Outcome.SKIPPED:
            self._paragraph(one_line(check.reason))
        elif check.outcome in NOT_PASSED and explain:
            self._paragraph(one_line(check.reason))
            cause = cause_of(check, run)
            self._rows(further_demands(cause) + next_steps(cause, check))

    def _heading(self, check: CheckResult) -> None:
        notes = f"({', '.join(remarks(check, self._moment))})"
        color = COLORS_OF_OUTCOMES[check.outcome]
        title = one_line(check.title)
        if self._outlet.is_terminal:
            title = _fitted(title, self._outlet.width - self._id_width - len(notes) - 6)
        sign = self._paint(SIGNS[check.outcome], color)
        name = f"{check.id:<{self._id_width}}"
        name = self._paint(name, BOLD) if check.outcome in NOT_PASSED else name
        words = "  ".join(filter(None, [name, title, self._paint(notes, DIM)]))
        self._line(f"{sign} {words}")

    def _resources(self, run: JudgedRun) -> None:
        for each in run.resources:
            sign = self._paint(SIGNS[each.outcome], COLORS_OF_OUTCOMES[each.outcome])
            self._line(f"{sign} {each.name}  (a resource, {seconds(each.duration_s)})")
            self._exchanges([each.exchanges])

    def _exchanges(self, attempts: Iterable[list[Exchange]]) -> None:
        for number, exchanges in enumerate(attempts, 1):
            for exchange in exchanges:
                again = "second try: " if number > 1 else ""
                words = f"{again}{exchange_in_words(exchange)}, {connection_in_words(exchange)}"
                self._line(self._paint(_INDENT + words, DIM))

    def _shared(self, shared: Shared, run: JudgedRun) -> None:
        head = f"{several(len(shared.checks), 'check')}: {one_line(shared.cause.summary)}"
        first, *more = paragraph(head, width=self._outlet.width - 2)
        sign = self._paint(SIGNS[shared.outcome], COLORS_OF_OUTCOMES[shared.outcome])
        self._line("")
        self._line(f"{sign} {self._paint(first, BOLD)}")
        for line in more:
            self._line("  " + self._paint(line, BOLD))
        self._rows(
            [("checks", names_of(shared.checks, run)), *next_steps(shared.cause, shared.checks[0])]
        )

    def _verdict(self, run: JudgedRun) -> None:
        self._line("")
        color = f"{BOLD};{COLORS_OF_ACTIONS[run.verdict.action]}"
        for line in paragraph(verdict_line(run), width=self._outlet.width, hanging="  "):
            self._line(self._paint(line, color))
        self._paragraph(what_to_do(run), indent="")
        self._rows(_facts(run), indent="  ")

    def _paragraph(self, text: str, *, indent: str = _INDENT, color: str = "") -> None:
        for line in paragraph(text, width=self._outlet.width, indent=indent):
            self._line(self._paint(line, color))

    def _rows(self, rows: Rows, *, indent: str = _INDENT) -> None:
        for line in labelled(rows, width=self._outlet.width, indent=indent):
            self._line(line)

    def _paint(self, text: str, color: str) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if color and self._color else text

    def _line(self, text: str) -> None:
        self._outlet.line(no_command(text.rstrip()))


def _fitted(title: str, columns: int) -> str:
    """Cut a title to what is left of the line; what would be a stump is left out."""
    if len(title) <= columns:
        return title
    return one_line(title, columns) if columns >= _SHORTEST_TITLE else ""


def _facts(run: JudgedRun) -> Rows:
    counts = run.verdict.counts
    version = f", version {one_line(run.version)}" if run.version else ""
    rows: Rows = [
        ("target", f"{one_line(run.target)}{version}, {one_line(run.environment)}"),
        ("checks", counts_in_words(counts)),
        ("workflows", workflows_in_words(counts)),
        ("baseline", baseline_in_words(run)),
        ("traffic", traffic(run).in_words()),
        ("seal", run.seal.short if run.seal else ""),
    ]
    rows[1:1] = [("from", words) for words in locations_in_words(run)]
    rows += [("excused", words) for words in mitigations_in_words(run)]
    rows += [("missing", f"{each.suite}: {one_line(each.reason)}") for each in run.missing_suites]
    rows += [("left", words) for words in leftovers_in_words(run.leftovers)]
    rows += [("note", one_line(note)) for note in run.notes]
    return [row for row in rows if row[1]]
