"""The runs of a fleet, side by side in one loop."""

from __future__ import annotations

import asyncio
import math
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from smokegate import gate
from smokegate.control_run import Earlier
from smokegate.engine import Plan, in_loop, sorted_by_attempt
from smokegate.errors import SmokegateError
from smokegate.fleet.aftermath import Aftermath
from smokegate.fleet.standing import Standing, judged, without_run
from smokegate.fleet.turns import Turns
from smokegate.reports.escaping import one_line
from smokegate.results import JudgedRun
from smokegate.streams import say
from smokegate.targets import Target
from smokegate.watchdog import GiveUp, Watchdog


class Planned(NamedTuple):
    """A target with the checks that its run will make."""

    target: Target
    plan: Plan


class Campaign:
    """Verifies targets; `ended` hears of each when it has its verdict.

    `interrupted` says at the end by which signal it was ended early, if it was.
    """

    def __init__(
        self,
        fleet: list[Planned],
        aftermath: Aftermath,
        ended: Callable[[Standing], None],
    ) -> None:
        self._fleet = fleet
        self._aftermath = aftermath
        self._ended = ended
        self._running: set[Callable[[str], None]] = set()
        self._run_ids: set[str] = set()
        self.interrupted = ""

    def verify(self, *, at_once: int, per_host: int, give_up: GiveUp) -> list[Standing]:
        """Verify all, so many at once and so many on one host; in the order of the fleet.

        SIGINT, SIGTERM and SIGHUP end it early: what runs then is inconclusive after its clean-up.
        """
        turns = Turns(at_once, per_host)
        longest_s = max(gate.longest_s(each.target.settings) for each in self._fleet)
        rounds = math.ceil(len(self._fleet) / min(at_once, per_host))
        with Watchdog(rounds * longest_s, give_up) as watchdog:
            return in_loop(lambda: self._verify(turns, watchdog))

    async def _verify(self, turns: Turns, watchdog: Watchdog) -> list[Standing]:
        with (
            watchdog.interrupting(self._interrupt),
            sorted_by_attempt(),
            ThreadPoolExecutor(1, "aftermath") as writer,  # one: files and database in one order
        ):
            return await asyncio.gather(
                *(
                    turns.take(
                        each.target.settings.target.hostname or "",
                        partial(self._one, each, writer),
                    )
                    for each in self._fleet
                )
            )

    async def _one(self, planned: Planned, writer: ThreadPoolExecutor) -> Standing:
        target = planned.target
        try:
            standing = await self._standing(planned, writer)
        except SmokegateError as error:
            standing = without_run(target, one_line(f"{error}"))
        except Exception as error:  # a bug with one target says nothing about the others
            say(f"{traceback.format_exc()}smokegate: {target.name}: a bug; please report it")
            standing = without_run(target, f"a bug: {type(error).__name__}")
        self._ended(standing)
        return standing

    async def _standing(self, planned: Planned, writer: ThreadPoolExecutor) -> Standing:
        target = planned.target
        if self.interrupted:
            return without_run(target, f"not begun: interrupted by {self.interrupted}")
        run = await self._run(planned)
        taken_in = asyncio.get_running_loop().run_in_executor(
            writer, self._aftermath.take_in, target, run
        )
        return judged(target, run, await taken_in)

    async def _run(self, planned: Planned) -> JudgedRun:
        target = planned.target
        return await gate.verified(
            target.settings,
            planned.plan,
            lambda _: None,
            [str(path.resolve()) for path in target.paths],
            interrupting=self._interrupting,
            earlier=Earlier(),
            swept=target.settings,
            run_id=self._new_run_id(),
        )

    def _new_run_id(self) -> str:
        """An id that no other run of this fleet has; many begin in one second."""
        while (run_id := gate.new_run_id()) in self._run_ids:
            pass
        self._run_ids.add(run_id)
        return run_id

    @contextmanager
    def _interrupting(self, interrupt: Callable[[str], None]) -> Iterator[None]:
        self._running.add(interrupt)
        if self.interrupted:
            interrupt(self.interrupted)
        try:
            yield
        finally:
            self._running.discard(interrupt)

    def _interrupt(self, name: str) -> None:
        self.interrupted = name
        for interrupt in list(self._running):
            interrupt(name)
