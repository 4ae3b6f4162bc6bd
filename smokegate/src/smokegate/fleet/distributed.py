"""The runs of a fleet on the workers of a location, instead of in this process."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from smokegate.control_run import Earlier
from smokegate.errors import BrokerError
from smokegate.fleet.planned import Interrupting, Planned
from smokegate.locations.asking import Asking
from smokegate.locations.post import Post
from smokegate.results import JudgedRun
from smokegate.settings import Settings
from smokegate.watchdog import GiveUp

_LOOKED_EVERY_S = 0.5  # each of many, so that looking itself costs little


class Distributed:
    """Has targets verified by whichever worker of a location takes them, so many at once."""

    def __init__(self, location: str, settings: Settings, at_once: int, give_up: GiveUp) -> None:
        self._location = location
        self._post = Post(settings)
        self._waiting = ThreadPoolExecutor(at_once, "asking")
        self._give_up = give_up

    async def verify(self, planned: Planned, run_id: str, interrupting: Interrupting) -> JudgedRun:
        """The run of one target; raises `BrokerError` where there is none."""
        settings = planned.target.settings
        asking = Asking(
            settings,
            planned.plan,
            run_id,
            Earlier(),
            lambda _: None,
            post=self._post,
            looked_every_s=_LOOKED_EVERY_S,
        )
        with interrupting(asking.interrupt):
            (seen,) = await asyncio.get_running_loop().run_in_executor(
                self._waiting, asking.ask, [self._location], self._give_up
            )
        if seen.run is None:
            raise BrokerError(f"{self._location}: {seen.reason}")
        return seen.run
