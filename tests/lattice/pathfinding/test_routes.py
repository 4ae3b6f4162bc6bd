"""Searching over HTTP."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from lattice.pathfinding import search, service
from lattice.pathfinding.searches import WAITING_MAX

from tests.lattice.in_process import Lattice

# . . .
# # # .   from the upper left to the lower left
# . . .
WALL = [[1, 0], [1, 1]]
ROUND_THE_WALL = {"start": [0, 0], "end": [2, 0]}


def make(lattice: Lattice, token: str, **grid: Any) -> str:
    """Make a lattice; returns where it is searched."""
    asked = {"name": "searched"} | grid
    made = lattice.ask("POST", "/api/lattices", token=token, json=asked)
    assert made.status_code == 201, made.text
    return f"{made.headers['Location']}/pathfind"


def ask(lattice: Lattice, question: dict[str, Any], **grid: Any) -> httpx2.Response:
    """Make a lattice and search it."""
    token = lattice.register().access_token
    path = make(lattice, token, **grid)
    return lattice.ask("POST", path, token=token, json=question)


def test_a_path_leads_round_a_wall(lattice: Lattice) -> None:
    reply = ask(lattice, ROUND_THE_WALL, dimensions=[3, 3], obstacles=WALL)
    assert reply.status_code == 200, reply.text
    answer = reply.json()
    assert answer.pop("elapsed_ms") > 0
    assert answer == {
        "reachable": True,
        "path": [[0, 0], [0, 1], [0, 2], [1, 2], [2, 2], [2, 1], [2, 0]],
        "length": 6,
        "cost": 6,
        "explored": 7,
    }


def test_no_way_through_is_an_answer(lattice: Lattice) -> None:
    wall = [*WALL, [1, 2]]
    reply = ask(lattice, ROUND_THE_WALL, dimensions=[3, 3], obstacles=wall)
    assert reply.status_code == 200
    answer = reply.json()
    assert answer["reachable"] is False
    assert answer["path"] is answer["length"] is answer["cost"] is None
    assert answer["explored"] >= 2


def test_diagonal_steps_where_the_lattice_has_them(lattice: Lattice) -> None:
    reply = ask(
        lattice,
        ROUND_THE_WALL,
        dimensions=[3, 3],
        obstacles=WALL,
        connectivity="diagonal",
    )
    assert reply.json()["path"] == [[0, 0], [0, 1], [1, 2], [2, 1], [2, 0]]


@pytest.mark.parametrize(
    ("question", "fields"),
    [
        ({"start": [0, 0], "end": [3, 0]}, ["end"]),
        ({"start": [0, -1], "end": [2, 0]}, ["start"]),
        ({"start": [0], "end": [0, 0, 0]}, ["start", "end"]),
        ({"start": [1, 0], "end": [1, 1]}, ["start", "end"]),
        ({"start": [0, 0]}, ["end"]),
        ({"start": [0, 0], "end": [True, 0]}, ["end.0"]),
        ({"start": [0, 0], "end": "2,0"}, ["end"]),
    ],
)
def test_ends_that_are_no_free_cells_are_refused_by_name(
    lattice: Lattice, question: dict[str, Any], fields: list[str]
) -> None:
    reply = ask(lattice, question, dimensions=[3, 3], obstacles=WALL)
    assert reply.status_code == 422
    assert [error["field"] for error in reply.json()["errors"]] == fields


def test_obstacles_that_were_changed_count(lattice: Lattice) -> None:
    token = lattice.register().access_token
    asked = {"name": "changed", "dimensions": [3, 3]}
    made = lattice.ask("POST", "/api/lattices", token=token, json=asked)
    path = made.headers["Location"]
    for obstacles, length in (([], 2), (WALL, 6)):
        lattice.ask("PATCH", path, token=token, json={"obstacles": obstacles})
        found = lattice.ask("POST", f"{path}/pathfind", token=token, json=ROUND_THE_WALL)
        assert found.json()["length"] == length


def test_a_search_too_long_is_given_up(lattice_with: Callable[..., Lattice]) -> None:
    lattice = lattice_with(search_timeout_s=0.05)
    corridor = {"start": [0], "end": [999_999]}
    reply = ask(lattice, corridor, dimensions=[1_000_000])
    assert reply.status_code == 503
    assert "longer than 0.05 s" in reply.json()["detail"]


def test_a_lattice_too_large_is_not_searched(lattice_with: Callable[..., Lattice]) -> None:
    lattice = lattice_with(search_cells_max=11)
    reply = ask(lattice, ROUND_THE_WALL, dimensions=[4, 3])
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["detail"] == "12 cells, at most 11 are searched"


def test_a_search_holds_up_no_other_call(lattice: Lattice) -> None:
    token = lattice.register().access_token
    path = make(lattice, token, dimensions=[200_000])
    corridor = {"start": [0], "end": [199_999]}

    async def scenario() -> None:
        search = asyncio.create_task(lattice.send("POST", path, token=token, json=corridor))
        calls = 0
        while not search.done() and calls < 50:
            await lattice.send("GET", "/api/lattices", token=token)
            calls += 1
        # Were they held up, the first would have ended after the search.
        assert calls > 2
        assert (await search).json()["length"] == 199_999

    lattice.do(scenario())


def test_too_many_at_once_are_asked_to_come_back(
    lattice_with: Callable[..., Lattice], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    find_path = search.find_path

    def held(*arguments: Any, **bounds: Any) -> Any:
        gate.wait(20)
        return find_path(*arguments, **bounds)

    monkeypatch.setattr(service, "find_path", held)
    lattice = lattice_with(search_workers=1, rate_limit_session=1000)
    token = lattice.register().access_token
    path = make(lattice, token, dimensions=[3, 3])

    async def scenario() -> None:
        questions = [
            lattice.send("POST", path, token=token, json=ROUND_THE_WALL)
            for _ in range(WAITING_MAX + 3)
        ]
        answered = asyncio.as_completed(questions)
        # Nothing is answered before the gate opens but what is refused.
        refused = [await reply for _, reply in zip(range(2), answered, strict=False)]
        gate.set()
        replies = refused + [await reply for reply in answered]
        statuses = [reply.status_code for reply in replies]
        assert statuses == [503] * 2 + [200] * (WAITING_MAX + 1)
        assert refused[0].headers["Retry-After"] == "1"

    lattice.do(scenario())
