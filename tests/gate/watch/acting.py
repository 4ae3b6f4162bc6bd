"""Watches in virtual time of a target that does what a script says."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from smokegate.results import JudgedRun, Outcome, Side, Trouble
from smokegate.settings import Settings
from smokegate.watch.command import Watch
from smokegate.watch.conclusion import Conclusion
from smokegate.watch.memory import Memory, Watched
from smokegate.watch.schedule import Schedule

from tests.gate.history.runs import run
from tests.gate.samples import attempt, exchange, healthy, result

BEGAN_S = 1_767_225_600.0  # 2026-01-01 00:00 UTC
TWO_HOURS = Schedule(7_200.0, 60.0, 10)
LIGHT = ["health.up"]
GOOD, DOWN, FLOW_FAILS, NO_NETWORK, MONITOR = "good", "down", "flow fails", "no network", "monitor"

_NO_ROUTE = Trouble(
    kind="local", side=Side.RUNNER, summary="no route", causes=[], next_step="look at the network"
)


class VirtualClock:
    """A clock that jumps; `stop_at_s` is when a signal comes, after the beginning."""

    def __init__(self, at_s: float = 0.0, stop_at_s: float = float("inf")) -> None:
        self.stopped = ""
        self.passed_s = at_s
        self._stop_at_s = stop_at_s

    def now_s(self) -> float:
        return 1_000.0 + self.passed_s

    def wall_s(self) -> float:
        return BEGAN_S + self.passed_s

    def wait(self, until_s: float) -> None:
        if until_s - 1_000.0 >= self._stop_at_s:
            self.passed_s, self.stopped = max(self.passed_s, self._stop_at_s), "SIGTERM"
        self.passed_s = max(self.passed_s, until_s - 1_000.0)


@dataclass
class Script:
    """A target: how it is at each moment, how long a look at it takes, and what it serves."""

    clock: VirtualClock
    at: Callable[[float], str] = lambda _: GOOD
    took_s: Callable[[float], float] = lambda _: 2.0
    version: Callable[[float], str] = lambda _: "1.0.0"
    looks: list[tuple[float, bool]] = field(default_factory=list)

    def look(self, *, full: bool, light: list[str]) -> JudgedRun:
        at_s = self.clock.passed_s
        self.looks.append((round(at_s, 3), full))
        self.clock.passed_s += self.took_s(at_s)
        made = _run_of(self.at(at_s), full=full, number=len(self.looks))
        changes: dict[str, Any] = {"version": self.version(at_s), "run_id": f"run-{at_s:g}"}
        return run(1, *made, minutes=at_s / 60, partial=not full, **changes)

    def light_of(self, _run: JudgedRun, _before: list[str]) -> list[str]:
        return LIGHT


def _run_of(state: str, *, full: bool, number: int) -> list[Any]:
    answered = attempt(exchanges=(exchange(),), outcome=Outcome.PASSED)
    up, flow = healthy(), result("flow")
    if state == DOWN:
        up = result("up", Outcome.FAILED, suite="health", reason="connection refused")
        flow = result("flow", Outcome.FAILED, reason="connection refused")
    elif state == FLOW_FAILS:
        flow = result("flow", Outcome.FAILED)
    elif state == NO_NETWORK:
        lost = attempt(
            exchanges=(exchange(status=None, trouble=_NO_ROUTE),), outcome=Outcome.UNKNOWN
        )
        return [
            result("up", Outcome.UNKNOWN, suite="health", reason="no route", attempts=[lost]),
            *([result("flow", Outcome.UNKNOWN, reason="no route")] if full else []),
        ]
    good = [result(f"flow{n}", attempts=[answered]) for n in range(6 if state == MONITOR else 0)]
    if state == MONITOR:
        flow = result("flow", Outcome.FAILED)
    return [up, *([flow, *good] if full else [])]


@dataclass
class Acted:
    """What became of a watch."""

    watched: Watched
    conclusion: Conclusion
    text: str
    script: Script
    published: list[str]

    @property
    def changes(self) -> list[tuple[float, str]]:
        """When something was confirmed, and what."""
        return [(change.at_s, change.after.value) for change in self.watched.changes]


def acted(
    folder: Path,
    at: Callable[[float], str] = lambda _: GOOD,
    *,
    schedule: Schedule = TWO_HOURS,
    to_the_end: bool = False,
    objective: float = 99.5,
    expect_version: str = "",
    history: str = "none",
    channels: Mapping[str, Any] = MappingProxyType({}),
    begin_s: float = 0.0,
    stop_at_s: float = float("inf"),
    **script: Any,
) -> Acted:
    """Watch a scripted target; results, history and state are in the folder."""
    settings = Settings(
        url="https://api.example.com",
        url_given=True,
        history=history,
        journal=str(folder / "journal"),
        results=str(folder / "results"),
        expect_version=expect_version,
        **channels,
    )
    clock, stream = VirtualClock(begin_s, stop_at_s), io.StringIO()
    target = Script(clock, at, **script)
    watch = Watch(settings, Memory(settings), target, clock, stream, to_the_end=to_the_end)
    watched = watch.run(schedule, objective, partial=False)
    conclusion = watch.end(watched)
    published = sorted(path.name for path in (folder / "results").glob("run_*.json"))
    return Acted(watched, conclusion, stream.getvalue(), target, published)
