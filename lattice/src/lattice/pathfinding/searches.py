"""Searches run in threads, a few at a time, so that no other call waits for one."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, TypeVar

from fastapi import Depends
from starlette.requests import HTTPConnection

from lattice.errors import UnavailableError
from lattice.settings import Settings

T = TypeVar("T")

WAITING_MAX = 64
RETRY_AFTER_S = 1


class Searches:
    """Runs `search_workers` searches at once; the next ones wait, up to `WAITING_MAX`."""

    def __init__(self, settings: Settings) -> None:
        self.timeout_s = settings.search_timeout_s
        self.cells_max = settings.search_cells_max
        self._workers = ThreadPoolExecutor(settings.search_workers, "search")
        self._asked_max = settings.search_workers + WAITING_MAX
        self._asked = 0

    async def run(self, search: Callable[[], T]) -> T:
        """Return what `search` returns; `UnavailableError` at once if too many wait already."""
        if self._asked >= self._asked_max:
            raise UnavailableError(
                "Too many searches are waiting: come back in a second.",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        self._asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._workers, search)
        finally:
            self._asked -= 1

    def close(self) -> None:
        """End the threads; what still waits is given up."""
        self._workers.shutdown(wait=False, cancel_futures=True)


def searches_of(request: HTTPConnection) -> Searches:
    """Return the searches of the application that serves this request."""
    searches: Searches = request.app.state.searches
    return searches


Searching = Annotated[Searches, Depends(searches_of)]
