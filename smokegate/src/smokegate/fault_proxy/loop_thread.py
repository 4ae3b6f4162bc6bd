"""An event loop on a thread of its own, so that plain code can use asynchronous servers."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

Result = TypeVar("Result")
Server = TypeVar("Server")


class LoopThread:
    """Runs coroutines and keeps servers for plain code; leaving it closes and joins all.

        with LoopThread() as loop:
            proxy = loop.keep(FaultProxy(upstream))
            loop.run(proxy.act_out(Fault(Refuse())))

    Servers are closed in reverse order; what their closing raises is raised here.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="servers")
        self._kept = contextlib.AsyncExitStack()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.run(self._kept.aclose())
        finally:
            self.run(_settle())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine on the loop and return its result, or raise what it raised."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def keep(self, server: contextlib.AbstractAsyncContextManager[Server]) -> Server:
        """Enter a server on the loop and return it; it stays open until the thread ends."""
        return self.run(self._kept.enter_async_context(server))

    @contextlib.contextmanager
    def serving(self, server: contextlib.AbstractAsyncContextManager[Server]) -> Iterator[Server]:
        """Enter a server on the loop; it is closed with the block."""
        entered = self.run(server.__aenter__())
        try:
            yield entered
        finally:
            self.run(server.__aexit__(None, None, None))


async def _settle() -> None:
    """Cancel what is left and let transports close their sockets, which takes two turns."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
