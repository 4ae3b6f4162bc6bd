"""Whose turn it is among the targets of a fleet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from smokegate.fleet.turns import Turns

pytestmark = pytest.mark.virtual_clock


Work = Callable[[], Coroutine[Any, Any, float]]


class Works:
    """Pieces of work that take their time, and how many went on at once."""

    def __init__(self) -> None:
        self.at_once = 0
        self.most_at_once = 0

    def taking(self, duration_s: float) -> Work:
        async def work() -> float:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            await asyncio.sleep(duration_s)
            self.at_once -= 1
            return now_s()

        return work


def now_s() -> float:
    return asyncio.get_running_loop().time() - 1000.0


async def ends_s(turns: Turns, *jobs: tuple[str, Work]) -> list[float]:
    return await asyncio.gather(*(turns.take(host, work) for host, work in jobs))


async def test_so_many_at_once() -> None:
    works = Works()
    ends = await ends_s(Turns(2, 9), *((f"h{n}", works.taking(1)) for n in range(5)))
    assert (ends, works.most_at_once) == ([1, 1, 2, 2, 3], 2)


async def test_so_many_of_one_host_and_they_hold_up_no_other() -> None:
    works = Works()
    hosts = ("a", "a", "a", "b")
    ends = await ends_s(Turns(2, 1), *((host, works.taking(1)) for host in hosts))
    assert ends == [1, 2, 3, 1]


async def test_what_only_waits_passes_its_turn_on() -> None:
    works = Works()
    dead = [(f"dead{n}", works.taking(100)) for n in range(2)]
    ends = await ends_s(Turns(2, 1), *dead, *((f"h{n}", works.taking(1)) for n in range(4)))
    assert ends == [100, 100, 4, 4, 5, 5]


async def test_those_that_wait_are_bounded() -> None:
    works = Works()
    await ends_s(Turns(1, 99), *((f"dead{n}", works.taking(1000)) for n in range(20)))
    assert works.most_at_once == 8


async def test_what_fails_gives_its_turn_back() -> None:
    turns = Turns(1, 1)

    async def fail() -> None:
        raise ValueError("no")

    for _ in range(9):
        with pytest.raises(ValueError, match="no"):
            await turns.take("a", fail)
    assert await turns.take("a", Works().taking(1)) == 1
