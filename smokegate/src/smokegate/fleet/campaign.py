"""The runs of a fleet, side by side in one loop."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from smokegate import gate
from smokegate.engine import in_loop, sorted_by_attempt
from smokegate.errors import SmokegateError
from smokegate.fleet.aftermath import Aftermath
from smokegate.fleet.planned import Planned, Verify
from smokegate.fleet.standing import Standing, judged, without_run
from smokegate.fleet.turns import Turns
from smokegate.reports.escaping import one_line
from smokegate.streams import say
from smokegate.watchdog import GiveUp, Watchdog


class Campaign:
    """Verifies targets; `ended` hears of each when it has its verdict.

    `interrupted` says at the end by which signal it was ended early, if it was.
    """

    def __init__(
        self,
        fleet: list[Planned],
        verify: Verify,
        aftermath: Aftermath,
        ended: Callable[[Standing], None],
    ) -> None:
        self._fleet = fleet
        self._verify_one = verify
        self._aftermath = aftermath
        self._ended = ended
        self._running: set[Callable[[str], None]] = set()
        self._run_ids: set[str] = set()
        self.interrupted = ""

    def verify(self, turns: Turns, longest_s: float, give_up: GiveUp) -> list[Standing]:
        """Verify all, each at its turn, and in the order of the fleet; `give_up` ends what blocks.

        SIGINT, SIGTERM and SIGHUP end it early: what runs then is inconclusive after its clean-up.
        """
        with Watchdog(longest_s, give_up) as watchdog:
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
        run = await self._verify_one(planned, self._new_run_id(), self._interrupting)
        taken_in = asyncio.get_running_loop().run_in_executor(
            writer, self._aftermath.take_in, target, run
        )
        return judged(target, run, await taken_in)

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
        self._aftermath.hurry()
        for interrupt in list(self._running):
            interrupt(name)
