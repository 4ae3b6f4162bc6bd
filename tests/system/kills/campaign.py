"""A campaign: run after run against one Lattice, each killed at a moment drawn by lot."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field

from smokegate.errors import JournalError

from smokegate import journal
from tests.system.command import BIN, SUITES, Commands
from tests.system.kills.database import OTHERS, Database

_USUAL_RUNS = 2
# Of the runs that are asked to end first, so that they are killed while they clean up.
_SHARE_TERMINATED = 0.25
_LONGEST_CLEANUP_S = 0.15
_SHARE_SWEEP_KILLED = 0.1
_GROWTH = 1.02


@dataclass
class Figures:
    """What a campaign has seen so far."""

    kills: int = 0
    too_late: int = 0
    sweeps: int = 0
    accounts_left: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def in_words(self) -> str:
        moments = ", ".join(f"{number} {moment}" for moment, number in sorted(self.moments.items()))
        return (
            f"{self.kills} kills ({moments}; {self.too_late} more were too late), "
            f"{self.sweeps} of sweeps, {self.accounts_left} accounts left by them; "
            f"{len(self.problems)} problems"
        )


class Campaign:
    """Kills runs, sweeps, and compares the database with what it was before."""

    def __init__(self, commands: Commands, database: Database, seed: str) -> None:
        self._commands = commands
        self._database = database
        self._draw = random.Random(seed)
        self._before = database.dump()
        self.figures = Figures()
        self.usual_s = max(self._time_of_a_run() for _ in range(_USUAL_RUNS))

    def kill_once(self) -> None:
        """Kill one run, sweep, and look whether everything is as it was."""
        while not self._kill_a_run():
            self.figures.too_late += 1
            self.compare()
        self.figures.kills += 1
        self.figures.moments[self._moment()] += 1
        self.figures.accounts_left += len(self._ours())
        if self._draw.random() < _SHARE_SWEEP_KILLED:
            self._kill_a_sweep()
        swept = self._commands.smokegate("sweep", SUITES)
        if swept.code != 0:
            self._problem(f"sweep exits {swept.code}: {swept.text.strip()}")
        self.compare()

    def compare(self) -> None:
        """Note what is at the target and was not there before, or is no longer."""
        if ours := self._ours():
            self._problem(f"left: {', '.join(sorted(ours))}")
        elif self._database.dump() != self._before:
            self._problem("the accounts of others, or what is theirs, are not as they were")

    def _time_of_a_run(self) -> float:
        started = time.monotonic()
        done = self._commands.smokegate("run", SUITES)
        took_s = time.monotonic() - started
        if done.code != 0:
            raise RuntimeError(f"a run that nobody kills exits {done.code}: {done.text}")
        self.compare()
        return took_s

    def _kill_a_run(self) -> bool:
        """Kill a run at a moment drawn by lot; False if it had ended by then."""
        started = time.monotonic()
        with self._commands.start(BIN / "smokegate", "run", SUITES) as run:
            ended = _has_ended(run, self._draw.uniform(0, self.usual_s))
            if ended:  # the machine is less busy than it was; below, it may have become busier
                self.usual_s = time.monotonic() - started
            elif self._draw.random() < _SHARE_TERMINATED:
                run.send_signal(signal.SIGTERM)
                ended = _has_ended(run, self._draw.uniform(0, _LONGEST_CLEANUP_S))
            run.kill()
        self.usual_s *= _GROWTH
        return not ended and run.returncode == -signal.SIGKILL

    def _kill_a_sweep(self) -> None:
        with self._commands.start(BIN / "smokegate", "sweep", SUITES) as sweep:
            ended = _has_ended(sweep, self._draw.uniform(0, 1))
            sweep.kill()
        self.figures.sweeps += not ended

    def _moment(self) -> str:
        """What the run was doing when it was killed, by its journal."""
        dead = list(journal.abandoned(self._commands.journal))
        if not dead:
            return "with nothing made, or nothing left"
        (left,) = dead
        if isinstance(left, JournalError):
            return "with a journal that cannot be read"
        left.close()
        if any(creation.removed for creation in left.creations):
            return "during the clean-up"
        if any(creation.made is None for creation in left.creations):
            return "with creations that were not answered"
        return "between creations and the clean-up"

    def _ours(self) -> set[str]:
        return self._database.emails() - set(OTHERS)

    def _problem(self, words: str) -> None:
        self.figures.problems.append(f"kill {self.figures.kills}: {words}")


def _has_ended(process: subprocess.Popen[str], limit_s: float) -> bool:
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        return False
    return True
