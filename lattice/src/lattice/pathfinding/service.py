"""Answering a question about a lattice: read it, search in a thread, tell who wants to know."""

from dataclasses import dataclass
from functools import partial
from time import perf_counter

from starlette.requests import Request

from lattice.database import Database
from lattice.errors import InvalidError
from lattice.lattices.grid import count_cells, find_misplaced
from lattice.lattices.records import StoredGrid
from lattice.lattices.service import get_grid
from lattice.pathfinding.field import Grid
from lattice.pathfinding.pace import Pace
from lattice.pathfinding.reading import read_obstacles
from lattice.pathfinding.schemas import SearchFacts, SearchQuestion
from lattice.pathfinding.search import find_path
from lattice.pathfinding.searches import Searches
from lattice.pathfinding.writing import write_answer
from lattice.security.caller import Caller
from lattice.usage.counter import UsageCounter
from lattice.usage.schemas import Counts
from lattice.webhooks.announcements import Announcements, find_receivers
from lattice.webhooks.schemas import Event

ONE_SEARCH = Counts(path_searches=1)


@dataclass(frozen=True, slots=True)
class Pathfinder:
    """What it takes to answer."""

    database: Database
    searches: Searches
    counter: UsageCounter
    announcements: Announcements
    client: Request

    async def answer(self, caller: Caller, lattice_id: str, question: SearchQuestion) -> bytes:
        """Return the JSON of a `SearchAnswer`.

        Raises `NotFoundError` for a lattice that is not the caller's, `InvalidError` for ends
        that are no free cells of it, `UnavailableError` when a search takes too long and
        `ClientDisconnect` when nobody waits for it any more.
        """
        async with self.database.reading(caller.tenant_id) as connection:
            stored = await get_grid(connection, caller, lattice_id)
            told = await find_receivers(connection, caller, Event.PATH_FOUND)
        _check_ends(stored, question, self.searches.cells_max)
        search = partial(_search, stored, question, self.searches.cells_max)
        facts, written = await self.searches.run(search, self.client)
        if told and facts.reachable:
            await self._tell(caller, lattice_id, question, facts)
        self.counter.count(caller.tenant_id, ONE_SEARCH)
        return written

    async def _tell(
        self, caller: Caller, lattice_id: str, question: SearchQuestion, facts: SearchFacts
    ) -> None:
        # Without the path, which may be long: a receiver can ask for it.
        data = {"lattice_id": lattice_id, **question.model_dump()}
        data |= facts.model_dump(exclude={"reachable"})
        async with self.database.writing(caller.tenant_id) as connection:
            await self.announcements.announce(connection, caller, Event.PATH_FOUND, data)


def _check_ends(stored: StoredGrid, question: SearchQuestion, cells_max: int) -> None:
    ends = question.ends().items()
    misplaced = {name: find_misplaced(cell, stored.dimensions) for name, cell in ends}
    if errors := {name: words for name, words in misplaced.items() if words}:
        raise InvalidError(errors)
    if (cells := count_cells(stored.dimensions)) > cells_max:
        raise InvalidError({"lattice_id": f"{cells} cells, at most {cells_max} are searched"})


def _search(
    stored: StoredGrid, question: SearchQuestion, cells_max: int, pace: Pace
) -> tuple[SearchFacts, bytes]:
    """Read, search and write the answer, all in the thread: each can take long."""
    began_s = perf_counter()
    obstacles = read_obstacles(stored.obstacles_json, len(stored.dimensions))
    blocked = {
        name: "is an obstacle"
        for name, cell in question.ends().items()
        if (obstacles == cell).all(axis=1).any()
    }
    if blocked:
        raise InvalidError(blocked)
    grid = Grid(stored.dimensions, obstacles, stored.connectivity)
    found = find_path(grid, question.start, question.end, pace, max_cells=cells_max)
    facts = SearchFacts(
        reachable=found.path is not None,
        length=found.length,
        cost=found.length,
        explored=found.explored,
        elapsed_ms=round((perf_counter() - began_s) * 1000, 3),
    )
    return facts, write_answer(facts, found.path)
