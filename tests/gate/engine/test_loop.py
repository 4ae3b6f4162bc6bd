"""The loop of a run ends, whatever was left in it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from types import FrameType
from typing import Any

import pytest
from smokegate.engine import in_loop
from smokegate.signals import handled


def test_it_gives_the_result_and_closes_the_loop() -> None:
    async def main() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert in_loop(main).is_closed()


def test_it_raises_what_is_raised() -> None:
    async def main() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        in_loop(main)


def test_an_exit_in_a_task_is_not_the_gates() -> None:
    async def leave() -> None:
        raise SystemExit(0)

    async def main() -> str:
        await asyncio.wait([asyncio.create_task(leave())])
        return "here"

    assert in_loop(main) == "here"


def test_tasks_that_are_left_are_cancelled_and_may_clean_up() -> None:
    ended: list[str] = []

    async def stray() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("stray")

    async def main() -> None:
        kept.append(asyncio.create_task(stray()))
        await asyncio.sleep(0)

    kept: list[asyncio.Task[None]] = []
    in_loop(main)
    assert ended == ["stray"]


def test_a_generator_that_is_left_is_closed() -> None:
    ended: list[str] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            ended.append("closed")

    async def main() -> None:
        left.append(numbers())
        await anext(left[0])

    left: list[AsyncIterator[int]] = []
    in_loop(main)
    assert ended == ["closed"]


def test_a_task_that_refuses_to_end_is_waited_for_no_longer_and_never_run_again() -> None:
    refused: list[str] = []

    async def unwilling() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except BaseException as error:
                refused.append(type(error).__name__)

    async def main() -> None:
        kept.append(asyncio.create_task(unwilling()))
        await asyncio.sleep(0)

    kept: list[asyncio.Task[None]] = []
    in_loop(main)
    kept.clear()
    gc.collect()
    assert refused == ["CancelledError"] * 3
    assert "left behind" in {thread.name for thread in threading.enumerate()}


def test_a_thread_of_the_loop_is_not_waited_for() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait()

    async def main() -> None:
        asyncio.get_running_loop().run_in_executor(None, work)
        await asyncio.to_thread(begun.wait)

    in_loop(main)
    go_on.set()


def lines_of_a_loop(signal_at: int = -1) -> int:
    """Run a loop, with SIGTERM at one of the lines that this takes, and count them."""
    lines = 0

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal lines
        lines += event == "line"
        if lines == signal_at:
            lines += 1
            os.kill(os.getpid(), signal.SIGTERM)
        return trace

    async def main() -> None:
        await asyncio.sleep(0)

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        in_loop(main)
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.skipif(sys.platform == "win32", reason="no signals to oneself there")
@pytest.mark.parametrize("percent", range(0, 100, 4))
def test_a_signal_ends_it_whole_at_whichever_line_it_comes(percent: int) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with handled(interrupt):
        lines_of_a_loop()  # what is done the first time only
        line = 1 + lines_of_a_loop() * percent // 100
        with pytest.raises(KeyboardInterrupt):
            lines_of_a_loop(line)
    gc.collect()  # what was left half made would warn here, and warnings are errors
