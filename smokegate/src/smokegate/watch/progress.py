"""A watch as it goes: a line for each round; on a terminal the good ones share one."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TextIO

from smokegate.reports.escaping import no_command, one_line
from smokegate.reports.layout import paragraph
from smokegate.reports.outlet import Outlet, understands_escapes
from smokegate.reports.pen import Pen, shows_color
from smokegate.reports.terminal import COLORS_OF_ACTIONS, GREEN, RED, YELLOW
from smokegate.reports.wording import seconds, several
from smokegate.results import JudgedRun
from smokegate.watch.memory import Watched
from smokegate.watch.rounds import Result, Round
from smokegate.watch.standing import Change

SIGNS = {Result.GOOD: "✓", Result.BAD: "✗", Result.UNKNOWN: "?"}
COLORS = {Result.GOOD: GREEN, Result.BAD: RED, Result.UNKNOWN: YELLOW}
_BACK_TO_THE_START = "\r\x1b[2K"


class Progress:
    """Shows how a watch goes on a stream."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str] = os.environ) -> None:
        self.outlet = Outlet(stream)
        self._is_live = understands_escapes(self.outlet, environ)
        self.pen = Pen(width=self.outlet.width, color=shows_color(self.outlet, environ))
        self._is_drawn = False
        self._is_resumed = False

    def say(self, text: str, color: str = "") -> None:
        """Say something for good."""
        self._erase()
        for line in paragraph(text, width=self.outlet.width, hanging="  "):
            self.outlet.line(no_command(self.pen.paint(line, color)))

    def begun(self, watched: Watched) -> None:
        """Say what will be done, or where it goes on."""
        schedule = watched.schedule
        until = clock_time(watched, schedule.due_s(schedule.last))
        words = (
            f"a round every {schedule.every_s:g} s until {until} UTC, "
            f"the first, every {schedule.full_every}th and the last with all checks"
        )
        self._is_resumed = bool(watched.rounds)
        if watched.rounds:
            done = several(len(watched.rounds), "round")
            since = clock_time(watched, 0)
            words = f"going on with the watch that began at {since} UTC, {done} so far; {words}"
        self.say(f"Watching {one_line(watched.target)}: {words}")

    def finished(self, watched: Watched, run: JudgedRun) -> None:
        """Show a round."""
        last = watched.rounds[-1]
        line = self._line(watched, last, several(len(run.checks), "check"))
        is_resumed, self._is_resumed = self._is_resumed, False
        if self._is_live and last.result is Result.GOOD and not last.skipped:
            self._draw(line)
            return
        if last.skipped:
            why = "nobody watched" if is_resumed else "the round before took too long"
            self.say(f"{several(last.skipped, 'slot')} skipped: {why}")
        self.say(line, "" if last.result is Result.GOOD else COLORS[last.result])

    def changed(self, change: Change, _run: JudgedRun) -> None:
        """Show a change."""
        self.say(change_in_words(change), f"1;{COLORS_OF_ACTIONS[change.after]}")

    def end(self) -> None:
        """Let what follows begin on a line of its own."""
        if self._is_drawn:
            self.outlet.write("\n")
        self._is_drawn = False

    def _line(self, watched: Watched, last: Round, checks: str) -> str:
        number = "again" if last.again else f"{last.slot + 1}/{watched.schedule.last + 1}"
        kind = "full " if last.full else "light"
        head = f"{clock_time(watched, last.at_s)}  {SIGNS[last.result]}  {number:>7}  {kind}"
        if last.result is Result.GOOD:
            return f"{head}  {checks}, {seconds(last.took_s)}"
        return f"{head}  {one_line(round_in_words(last))}"

    def _draw(self, line: str) -> None:
        self._erase()
        self.outlet.write(no_command(line)[: self.outlet.width - 1])
        self._is_drawn = True

    def _erase(self) -> None:
        if self._is_drawn:
            self.outlet.write(_BACK_TO_THE_START)
        self._is_drawn = False


def clock_time(watched: Watched, at_s: float) -> str:
    """The time of day, in UTC, so many seconds after the beginning."""
    return time.strftime("%H:%M:%S", time.gmtime(watched.started_s + at_s))


def round_in_words(last: Round) -> str:
    """What is wrong in a round."""
    if last.result is Result.UNKNOWN and last.is_ours:
        return f"paused, our own network: {last.reason}"
    if last.result is Result.UNKNOWN:
        return f"no answer: {last.reason}"
    return f"{last.action.value}: {last.reason}" if last.full else last.reason


def change_in_words(change: Change) -> str:
    """A change in a line."""
    before = f"{change.before.value} → " if change.before else ""
    return f"{before}{change.after.value}: {change.reason}"
