"""Time that jumps."""

from __future__ import annotations

import asyncio

import pytest
from smokegate.audit.virtual_loop import Hangs, in_virtual_loop


def test_what_waits_for_a_time_has_it_at_once_and_in_order() -> None:
    told: list[tuple[str, float]] = []

    async def wait(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        told.append((name, asyncio.get_running_loop().time()))

    async def main() -> None:
        await asyncio.gather(wait("late", 3_600), wait("soon", 60))

    in_virtual_loop(main)
    assert told == [("soon", 60), ("late", 3_600)]


def test_a_deadline_comes() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert in_virtual_loop(main) == 30


def test_a_timer_that_was_cancelled_does_not_move_the_clock() -> None:
    async def main() -> float:
        async with asyncio.timeout(30):
            await asyncio.sleep(1)
        await asyncio.sleep(1)
        return asyncio.get_running_loop().time()

    assert in_virtual_loop(main) == 2


def test_waiting_for_ever_is_said() -> None:
    with pytest.raises(Hangs):
        in_virtual_loop(asyncio.Event().wait)


def test_there_are_no_threads() -> None:
    async def main() -> None:
        await asyncio.to_thread(print)

    with pytest.raises(NotImplementedError):
        in_virtual_loop(main)
