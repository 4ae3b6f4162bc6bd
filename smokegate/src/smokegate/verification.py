"""One run as the commands have it: verified, shown, written down, and acted on."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NoReturn, TextIO

import msgspec

from smokegate import control_run, engine, gate
from smokegate.control_run import Earlier
from smokegate.errors import SmokegateError, UsageError
from smokegate.history.aside import remembering_aside
from smokegate.reports import lines, verdict_line
from smokegate.reports.outlet import Outlet
from smokegate.reports.terminal import Terminal
from smokegate.reports.wording import helped_in_words
from smokegate.results import Action, JudgedRun
from smokegate.settings import Settings
from smokegate.streams import say, say_at_once
from smokegate.verdict import EXIT_CODES, exit_code


@dataclass(frozen=True)
class Verification:
    """What is to be verified, and where what comes of it goes.

    If a check keeps the run from ending, the process is ended, after `before_exit`. `verifier` is
    what verifies: from here, unless it is told to do so from elsewhere.
    """

    paths: list[Path]
    suite: str = ""
    words: str = ""
    json_file: str = ""
    verbose: bool = False
    baseline: str = ""
    save_baseline: str = ""
    act: bool = False
    before_exit: Callable[[], None] = lambda: None
    verifier: Callable[..., JudgedRun] = gate.verify

    def run(self, settings: Settings) -> int:
        """Verify, show and write the results, and return the verdict's exit code."""
        self._refuse_acting_blindly(settings)
        moment = datetime.now(UTC).isoformat()
        earlier = control_run.earlier(self.baseline, self.save_baseline, settings, moment)
        with remembering_aside(settings) as aside:
            run = self._verify(earlier, settings)
            from smokegate.publication import Publication  # when the target has been asked

            Publication(
                run,
                settings,
                self._stream,
                json_file=self.json_file,
                baseline_file=self.save_baseline,
                aside=aside,
            ).publish()
        self._act_on(run, earlier, settings)
        return exit_code(run.verdict, strict=settings.strict)

    @property
    def _stream(self) -> TextIO:
        """Where people read on: standard output, unless that is for the JSON."""
        return sys.stderr if self.json_file == "-" else sys.stdout

    def _verify(self, earlier: Earlier, settings: Settings) -> JudgedRun:
        terminal = Terminal(self._stream, verbose=self.verbose)
        run = self.verifier(
            settings,
            lambda: load(self.paths, settings, self.suite, self.words),
            partial(_listen, terminal),
            suites=[str(path.resolve()) for path in self.paths],
            give_up=give_up(self.before_exit),
            earlier=earlier,
        )
        terminal.finish(run)
        return run

    def _refuse_acting_blindly(self, settings: Settings) -> None:
        """Say before the run what would keep it from acting after it."""
        if not (self.act or settings.can_roll_back):
            return
        from smokegate.act import command_of

        if not (command_of(settings) or settings.rollback_webhook):
            raise UsageError(
                "--act: there is no rollback_command and no rollback_webhook; set one in "
                "smokegate.toml"
            )
        if self.act and not self.baseline:
            raise UsageError("--act: give --baseline: it says which version to go back to")

    def _act_on(self, run: JudgedRun, earlier: Earlier, settings: Settings) -> None:
        """Roll back where that is called for, and verify again; the verdict stays what it was."""
        if not settings.can_roll_back:
            return
        from smokegate import act

        outlet = Outlet(self._stream)
        show = partial(_show, outlet)
        try:
            back_to = act.act_on(run, settings, os.environ, show, in_earnest=self.act)
            if back_to:
                self._look_whether_it_helped(back_to, earlier, settings, show)
        except SmokegateError as error:
            say(f"smokegate: {error}")
        except KeyboardInterrupt:
            say("smokegate: interrupted while acting; look at what the target serves")
        except Exception:  # the verdict stands, whatever became of acting on it
            say(f"{traceback.format_exc()}smokegate: a bug while acting; please report it")

    def _look_whether_it_helped(
        self, back_to: str, earlier: Earlier, settings: Settings, show: Callable[[str], None]
    ) -> None:
        # What was asked only answers that it has begun.
        patience_s = settings.rollback_timeout_s if settings.rollback_webhook else 0.0
        expecting = msgspec.structs.replace(
            settings, expect_version=back_to, wait_s=max(settings.wait_s, patience_s)
        )
        again = self._verify(earlier, expecting)
        from smokegate.publication import Publication

        words = helped_in_words(again.verdict.action, "the rollback")
        show(f"{words[0].upper()}{words[1:]}.")
        show(f"After the rollback: {verdict_line(again)}")
        if os.environ.get("GITHUB_ACTIONS"):
            from smokegate.reports import github

            github.publish_rollback(back_to, again, os.environ, self._stream)
        after = Publication(again, settings, self._stream)
        after.give_to(after.write_results, after.alert, after.export, after.remember)


def load(paths: list[Path], settings: Settings, suite: str, words: str) -> engine.Plan:
    """Load the suites under some paths, narrowed to a suite and to words if those are given."""
    select = engine.select_by_words(words) if words else None
    return engine.load(paths, settings, suite=suite, select=select)


def _listen(terminal: Terminal, event: engine.Event) -> None:
    if isinstance(event, engine.CleaningUp):
        # What publishing needs takes as long to import as a reply to come.
        import smokegate.publication
        import smokegate.reports.page  # noqa: F401
    terminal.listen(event)


def _show(outlet: Outlet, text: str) -> None:
    outlet.line(lines(text))


def give_up(before_exit: Callable[[], None]) -> Callable[[str], NoReturn]:
    """What ends the process when a check does not let a run end."""
    return partial(_give_up, before_exit)


def _give_up(before_exit: Callable[[], None], line: str) -> NoReturn:
    """End the process without a verdict, from any thread and in a signal handler."""
    say_at_once(f"smokegate: {line}")
    try:
        before_exit()
    finally:
        os._exit(EXIT_CODES[Action.INCONCLUSIVE])
