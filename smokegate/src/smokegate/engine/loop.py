"""The event loop of a run: how it begins, and how it ends whatever was left in it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Coroutine, Iterable
from contextlib import ExitStack
from typing import Any, TypeVar

from smokegate.engine.attempt import end
from smokegate.signals import held_back

T = TypeVar("T")
_CLOSING_S = 0.5  # for generators that nobody has read to their end


def in_loop(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in a loop that can watch sockets, which Windows' default one cannot.

    What it leaves behind is cancelled and waited for, but not for ever. A signal is heeded while
    the coroutine runs: a loop that is half made or half closed cannot be ended by an exception.
    """
    with ExitStack() as holding:
        holding.enter_context(held_back())
        return _in_loop(main, holding)


def _in_loop(main: Callable[[], Coroutine[Any, Any, T]], holding: ExitStack) -> T:
    loop = asyncio.SelectorEventLoop()
    try:
        return _completed(loop, _heeding(main, holding))
    finally:
        left = asyncio.all_tasks(loop)
        try:
            _completed(loop, _wind_up(loop, left))
        finally:
            loop.close()
            _keep(task for task in left if not task.done())


async def _heeding(main: Callable[[], Coroutine[Any, Any, T]], holding: ExitStack) -> T:
    holding.close()
    try:
        return await main()
    finally:
        holding.enter_context(held_back())


def _completed(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    task = loop.create_task(work)
    while True:
        try:
            return loop.run_until_complete(task)
        except SystemExit:
            continue  # raised by a task of a check: it ends that check, never the gate


async def _wind_up(loop: asyncio.AbstractEventLoop, left: Collection[asyncio.Task[Any]]) -> None:
    await end(left)
    closing = asyncio.create_task(loop.shutdown_asyncgens())
    await asyncio.wait([closing], timeout=_CLOSING_S)
    await end([closing])


def _keep(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Keep tasks that refuse to end as long as the process lives: destroying one would run it."""
    kept = list(tasks)
    if kept:
        threading.Thread(target=_wait_with, args=[kept], name="left behind", daemon=True).start()


def _wait_with(_kept: list[asyncio.Task[Any]]) -> None:
    threading.Event().wait()
