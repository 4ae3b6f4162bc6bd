"""What becomes of a judged run: its files, its place in the history, and what CI is told.

None of it changes a verdict; what cannot be done is said in one line.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from smokegate.errors import ReportError
from smokegate.history import NOWHERE
from smokegate.reports import files
from smokegate.reports.layout import paragraph
from smokegate.reports.outlet import Outlet
from smokegate.results import JudgedRun, to_json
from smokegate.settings import Settings
from smokegate.streams import say

if TYPE_CHECKING:
    from smokegate.history.aside import Aside, Remembered
    from smokegate.history.store import Store
    from smokegate.notify import Patience
    from smokegate.reports.last_good import LastGood


@dataclass(frozen=True)
class Publication:
    """A run on its way to those who want to know of it; `stream` is where people read on."""

    run: JudgedRun
    settings: Settings
    stream: TextIO
    json_file: str = ""
    baseline_file: str = ""
    say: Callable[[str], None] = say
    store: Store | None = None  # the history, where it is open already
    aside: Aside | None = None  # what remembers it, where that is a process of its own
    patience: Patience | None = None  # with the channels of alerts, where several runs share it
    only_changes: bool = False  # nobody is reminded of an incident that goes on

    def publish(self) -> None:
        """Give the run to every outlet; what may have to wait for a database comes last."""
        self.give_to(
            self.hand_over,
            self.write_json,
            self.save_baseline,
            self.tell_github,
            self.write_results,
            self.alert,
            self.export,
            self.remember,
        )

    def give_to(self, *outlets: Callable[[], object]) -> None:
        """Give the run to some outlets, whatever becomes of the others."""
        for outlet in outlets:
            try:
                outlet()
            except OSError as error:
                self.say(f"smokegate: {error}")
            except Exception:  # a report's bug must not turn a verdict into none
                self.say(f"{traceback.format_exc()}smokegate: a bug in a report; please report it")

    def hand_over(self) -> None:
        """Give the run to the process that remembers it, which does so meanwhile."""
        if self.aside:
            with suppress(OSError):  # then it is remembered here
                self.aside.give(self._evidence)

    def write_results(self) -> list[Path]:
        """Write the result files, and say where they are."""
        written = files.write_all(
            self.run, Path(self.settings.results), self._last_good, self._evidence
        )
        names = ", ".join(sorted(path.name for path in written))
        Outlet(self.stream).line(f"Results in {self.settings.results}: {names}")
        return written

    def write_json(self) -> None:
        """Write the run where `--json` says."""
        if self.json_file == "-":
            _write_to_stdout(self._evidence)
        elif self.json_file:
            files.write_json(self._evidence, Path(self.json_file))

    def save_baseline(self) -> None:
        """Write the run where `--save-baseline` says, if the next one can be compared with it."""
        run, baseline = self.run, self.baseline_file
        if baseline and (run.interrupted or run.partial):
            why = (
                "the run was interrupted" if run.interrupted else "it has only a part of the checks"
            )
            self.say(f"smokegate: --save-baseline: {baseline} was not written: {why}")
        elif baseline:
            files.write_json(self._evidence, Path(baseline))

    def tell_github(self) -> None:
        """Annotate the workflow, where this is one."""
        if os.environ.get("GITHUB_ACTIONS"):
            from smokegate.reports import github

            github.publish(self.run, os.environ, self.stream)

    def alert(self) -> None:
        """Tell the channels that are set what the run changes about an incident."""
        if self.run.interrupted or not self.settings.alert_channels:
            return
        from smokegate.notify import notify

        for trouble in notify(
            self.run,
            self.settings,
            last_good=self._last_good(),
            only_changes=self.only_changes,
            history_is_away=self._history_is_away(),
            patience=self.patience,
        ):
            self.say(f"smokegate: {trouble}")

    def export(self) -> None:
        """Give the run's metrics to whatever watches."""
        from smokegate.telemetry.exporting import export

        for trouble in filter(None, export(self.run, self.settings)):
            self.say(f"smokegate: {trouble}")

    def remember(self) -> None:
        """Take the run into the history, and say what became worse since the last good one."""
        trouble = self._remembered and self._remembered.trouble
        if trouble:
            self.say(f"smokegate: {trouble}")
        before = self._last_good()
        if before is None:
            return
        from smokegate.reports.last_good import changes_in_words

        outlet = Outlet(self.stream)
        for line in paragraph(changes_in_words(self.run, before), width=outlet.width):
            outlet.line(line)

    @cached_property
    def _evidence(self) -> bytes:
        return to_json(self.run)

    @cached_property
    def _remembered(self) -> Remembered | None:
        """What came of remembering it, which is done once; None where nothing is to be."""
        if self.settings.history == NOWHERE:
            return None
        if self.aside and (remembered := self.aside.remembered()):
            return remembered
        from smokegate.history.remembering import remember  # long after the verdict was shown

        return remember(self.run, self.settings, self.store)

    def _last_good(self) -> LastGood | None:
        """The last good run before it; nobody waits for that at the end of an interrupted one."""
        if self.run.interrupted:
            return None
        with suppress(Exception):  # a bug takes no report with it; `remember` meets it again
            return self._remembered.last_good if self._remembered else None
        return None

    def _history_is_away(self) -> bool:
        with suppress(Exception):  # a bug keeps nobody from being told; `remember` meets it again
            return bool(self._remembered and self._remembered.is_away)
        return False


def _write_to_stdout(content: bytes) -> None:
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise ReportError(f"--json: standard output: {error.strerror}") from None
