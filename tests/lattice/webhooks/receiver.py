"""A receiver of webhooks: a real server on loopback that answers as it is told."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

SILENT = 0
DRIPPING = 1
HOLDING = 2
# What never ends, as fast as it is read: an early hint after the other, a header, a body.
FLOODS = {
    3: (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100),
    4: (b"HTTP/1.1 200 OK\r\nX-Flood: ", b"x" * 10_000),
    5: (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000),
}
EARLY_HINTS, HEADER, BODY = FLOODS
DRIP_PAUSE_S = 0.02


@dataclass
class Receiver:
    """Answers the given statuses in turn, then the last of them.

    `SILENT` never answers, `DRIPPING` and each of `FLOODS` never stop to answer, `HOLDING` answers
    `answer_held` once `released`.
    """

    statuses: Sequence[int] = (204,)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answer_held: int = 204
    url: str = ""
    port: int = 0
    connections: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: Counter[str] = field(default_factory=Counter)
    answered: list[str] = field(default_factory=list)
    # Deliveries that came while they were under way.
    doubled: list[str] = field(default_factory=list)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            pairs = (line.split(": ", 1) for line in head[1:] if line)
            headers = {name.lower(): value for name, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            async with self._came:
                self.requests.append((head[0], headers, body))
                self._came.notify_all()
            status = self.statuses[min(len(self.requests), len(self.statuses)) - 1]
            await self._answer(status, headers["webhook-id"], reader, writer)
        async with self._came:
            self._came.notify_all()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(
        self, status: int, id_: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self.under_way[id_]:
            self.doubled.append(id_)
        self.under_way[id_] += 1
        try:
            if status == SILENT or (status == HOLDING and await self._is_left(reader)):
                await reader.read()
                return
            if status == DRIPPING:
                await pour(writer, b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x", DRIP_PAUSE_S)
                return
            if flood := FLOODS.get(status):
                await pour(writer, *flood)
                return
        finally:
            self.under_way[id_] -= 1
        self.answered.append(id_)
        told = self.answer_held if status == HOLDING else status
        location = f"Location: {self.url}\r\n" if told // 100 == 3 else ""
        writer.write(f"HTTP/1.1 {told} Told\r\n{location}Content-Length: 0\r\n\r\n".encode())

    async def _is_left(self, reader: asyncio.StreamReader) -> bool:
        """Whether the other side left before `released`."""
        released = asyncio.create_task(self.released.wait())
        left = asyncio.create_task(reader.read())
        await asyncio.wait({released, left}, return_when=asyncio.FIRST_COMPLETED)
        for task in (released, left):
            task.cancel()
        return not self.released.is_set()

    async def wait_for(self, count: int) -> None:
        """Return when so many requests have come; fails after five seconds."""
        await self.wait_until(lambda: len(self.requests) >= count, within_s=5)

    async def wait_until(self, holds: Callable[[], bool], within_s: float) -> None:
        """Return when a request has come or ended with which something is true."""
        async with asyncio.timeout(within_s), self._came:
            await self._came.wait_for(holds)


async def pour(
    writer: asyncio.StreamWriter, first: bytes, again: bytes, pause_s: float = 0
) -> None:
    """Write what does not end, until the other side has left."""
    writer.write(first)
    with suppress(ConnectionError):
        while not writer.is_closing():
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(pause_s)


@asynccontextmanager
async def receiving(
    *statuses: int, answer_held: int = 204, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Run a receiver while the block lasts."""
    receiver = Receiver(statuses or (204,), answer_held=answer_held)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    receiver.url = f"{'https' if tls else 'http'}://127.0.0.1:{receiver.port}/hook"
    async with server:
        yield receiver
