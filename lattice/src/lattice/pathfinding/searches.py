"""Searches run in threads, a few at a time, so that no other call waits for one."""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request

from lattice.errors import UnavailableError
from lattice.pathfinding.pace import Pace
from lattice.settings import Settings

T = TypeVar("T")

WAITING_MAX = 64
RETRY_AFTER_S = 1
# After so long the interpreter takes its lock from a thread that another waits for. Its usual
# five milliseconds are what every step of every other call would take during a search.
TURN_S = 0.0005


class Searches:
    """Runs `search_workers` searches at once; the next ones wait, up to `WAITING_MAX`."""

    def __init__(self, settings: Settings) -> None:
        self._timeout_s = settings.search_timeout_s
        self.cells_max = settings.search_cells_max
        sys.setswitchinterval(TURN_S)
        self._workers = ThreadPoolExecutor(settings.search_workers, "search")
        self._asked_max = settings.search_workers + WAITING_MAX
        self._asked = 0

    async def run(self, search: Callable[[Pace], T], client: Request) -> T:
        """Return what `search`, which keeps to its pace, returns to this client.

        Raises `UnavailableError`, at once if too many wait already, else when the time is over,
        and `ClientDisconnect`, by which the search ends, when the client leaves.
        """
        if self._asked >= self._asked_max:
            raise UnavailableError(
                "Too many searches are waiting: come back in a second.",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        self._asked += 1
        # The wait for a thread counts: whoever asks knows how long it takes at most.
        pace = Pace(self._timeout_s)
        try:
            return await self._searched(search, pace, client)
        except TimeoutError as error:
            words = f"The search took longer than {self._timeout_s:g} s."
            raise UnavailableError(words) from error
        finally:
            pace.give_up()
            self._asked -= 1

    async def _searched(self, search: Callable[[Pace], T], pace: Pace, client: Request) -> T:
        submitted = self._workers.submit(search, pace)
        searching = asyncio.wrap_future(submitted)
        leaving = asyncio.create_task(_left(client))
        try:
            await asyncio.wait((searching, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not searching.done():
                raise ClientDisconnect
            return searching.result()
        finally:
            # The loop's own future would tell this one too, but later: it might begin meanwhile.
            submitted.cancel()
            searching.cancel()
            leaving.cancel()

    def close(self) -> None:
        """End the threads; what still waits is given up."""
        self._workers.shutdown(wait=False, cancel_futures=True)


async def _left(client: Request) -> None:
    while (await client.receive())["type"] != "http.disconnect":
        pass
