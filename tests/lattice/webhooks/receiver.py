"""A receiver of webhooks: a real server on loopback that answers as it is told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

SILENT = 0
DRIPPING = 1
DRIP_PAUSE_S = 0.02


@dataclass
class Receiver:
    """Answers the given statuses in turn, then the last of them.

    `SILENT` never answers, `DRIPPING` never stops to answer.
    """

    statuses: Sequence[int] = (204,)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        async with self._came:
            self.requests.append((head[0], headers, body))
            self._came.notify_all()
        status = self.statuses[min(len(self.requests), len(self.statuses)) - 1]
        if status == SILENT:
            await reader.read()
        elif status == DRIPPING:
            await drip(writer)
        else:
            location = f"Location: {self.url}\r\n" if status // 100 == 3 else ""
            reply = f"HTTP/1.1 {status} Told\r\n{location}Content-Length: 0\r\n\r\n"
            writer.write(reply.encode())
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def wait_for(self, count: int) -> None:
        """Return when so many requests have come; fails after five seconds."""
        async with asyncio.timeout(5), self._came:
            await self._came.wait_for(lambda: len(self.requests) >= count)


async def drip(writer: asyncio.StreamWriter) -> None:
    """Write a header that does not end, until the other side has left."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    with suppress(ConnectionError):
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(DRIP_PAUSE_S)


@asynccontextmanager
async def receiving(*statuses: int) -> AsyncIterator[Receiver]:
    """Run a receiver while the block lasts."""
    receiver = Receiver(statuses or (204,))
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    receiver.url = f"http://127.0.0.1:{port}/hook"
    async with server:
        yield receiver
