"""A campaign: run after run against the hostile target, each judged by what it leaves."""

from __future__ import annotations

import io
import multiprocessing
import os
import shutil
import time
from collections import Counter
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NoReturn

import msgspec
from smokegate.checks import Suite
from smokegate.engine.plan import plan
from smokegate.gate import verify
from smokegate.reports.files import write_all
from smokegate.reports.github import publish
from smokegate.reports.terminal import Terminal
from smokegate.results import JudgedRun
from smokegate.settings import Settings, Sourced

from tests.system.hostile import secrets
from tests.system.hostile.judging import problems_of
from tests.system.hostile.server import Target
from tests.system.hostile.suites import OVER_S, HostileHealth, HostileWorkflows

_EVERY_TLS = 10
_EVERY_TERMINAL = 3
_SUITES: list[type[Suite]] = [HostileHealth, HostileWorkflows]
_DEADLINE_S = 0.25
_CHECK_GRACE_S = 1.5
_STATUS = Path("/proc/self/status")


class Figures(msgspec.Struct):
    """What a campaign has seen so far."""

    runs: int = 0
    replies: int = 0
    longest_over_s: float = float("-inf")
    problems: list[str] = []
    endings: Counter[str] = msgspec.field(default_factory=Counter)
    started: float = msgspec.field(default_factory=time.monotonic)

    def in_words(self) -> str:
        took_s = time.monotonic() - self.started
        return (
            f"{self.replies} replies in {self.runs} runs and {took_s:.0f} s, "
            f"{len(self.problems)} problems, peak {peak_mb():.0f} MB, "
            f"latest end {self.longest_over_s:+.2f} s from its deadline"
        )


def _give_up(lot: int, reason: str) -> NoReturn:
    """End the campaign from whatever thread: a run hangs."""
    os.write(2, f"lot {lot}: {reason}\n".encode())
    os._exit(1)


class _Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


class Campaign:
    """Runs that follow each other in one process, as `smokegate run` would make them.

    They are judged in another, so that the peak of the memory is that of smokegate.
    """

    def __init__(self, target: Target, ca_file: Path, place: Path) -> None:
        self._target = target
        self._ca_file = ca_file
        self._place = place
        self._judge = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        self._judged: list[tuple[int, Future[list[str]]]] = []
        self.figures = Figures()

    def run_once(self, lot: int) -> None:
        """Make one run with its reports, and have them judged."""
        folder = self._place / f"run-{lot}"
        folder.mkdir()
        log = _Tty() if lot % _EVERY_TERMINAL == 0 else io.StringIO()
        terminal = Terminal(log, verbose=lot % 2 == 0, environ={})
        settings = self._settings(lot)
        run = verify(
            settings,
            lambda: plan(_SUITES, settings, broken=[]),
            terminal.listen,
            suites=[],
            give_up=partial(_give_up, lot),
        )
        if run.interrupted:
            raise KeyboardInterrupt
        terminal.finish(run)
        write_all(run, folder)
        _tell_github(run, folder)
        (folder / ("screen" if log.isatty() else "log.txt")).write_text(log.getvalue(), "utf-8")
        self._judged.append((lot, self._judge.submit(_judge_and_remove, folder)))
        self._count(run)
        self._take_judged(all_but=2)

    def finish(self) -> None:
        """Wait until everything is judged."""
        self._take_judged(all_but=0)
        self._judge.shutdown()

    def _take_judged(self, *, all_but: int) -> None:
        while len(self._judged) > all_but:
            lot, judged = self._judged.pop(0)
            self.figures.problems += [f"lot {lot}: {problem}" for problem in judged.result()]

    def _settings(self, lot: int) -> Settings:
        secure = lot % _EVERY_TLS == 0
        return Settings(
            url=self._target.tls_url if secure else self._target.url,
            url_given=True,
            ca_file=str(self._ca_file) if secure else "",
            timeout_s=_DEADLINE_S,
            run_timeout_s=30.0,
            check_grace_s=_CHECK_GRACE_S,
            confirm_budget_s=0.2,
            cleanup_timeout_s=1.0,
            health_path=f"/{lot}/health",
            wait_s=0.1,
            sample_requests=20,
            test_password=secrets.PASSWORD,
            journal=str(self._place / "journal"),
            extra={
                "lot": Sourced(str(lot), "campaign"),
                "admin_token": Sourced(secrets.ADMIN_TOKEN, "campaign"),
            },
        )

    def _count(self, run: JudgedRun) -> None:
        figures = self.figures
        figures.runs += 1
        for check in run.everything:
            for attempt in check.attempts:
                figures.replies += attempt.requests
                for exchange in attempt.exchanges:
                    kind = exchange.trouble.kind if exchange.trouble else f"{exchange.status}"
                    figures.endings[kind] += 1
            figures.longest_over_s = max([figures.longest_over_s, *check.samples.get(OVER_S, [])])


def _judge_and_remove(folder: Path) -> list[str]:
    problems = problems_of(folder)
    shutil.rmtree(folder)
    return problems


def _tell_github(run: JudgedRun, folder: Path) -> None:
    environ = {
        "GITHUB_STEP_SUMMARY": str(folder / "step_summary"),
        "GITHUB_OUTPUT": str(folder / "outputs"),
    }
    with (folder / "annotations").open("w", encoding="utf-8", newline="\n") as stream:
        publish(run, environ, stream)


def peak_mb() -> float:
    """The most memory that this process had at any time, in MB (10^6 bytes), as Linux tells.

    What `getrusage` tells begins with the memory of the process that started this one.
    """
    (line,) = (each for each in _STATUS.read_text().splitlines() if each.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6
