"""A server on loopback that says exactly what a test scripts, byte by byte, and counts."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Script = Callable[["Connection"], Awaitable[None]]


class Connection:
    """One accepted connection, in the hands of a script."""

    def __init__(
        self,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        requests: list[bytes],
    ) -> None:
        self.number = number
        self._reader = reader
        self._writer = writer
        self._requests = requests

    async def request(self) -> bytes:
        """Read one request, head and body; raises `ConnectionError` when there is none."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = 0
            for line in head.split(b"\r\n")[1:]:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            request = head + await self._reader.readexactly(length)
        except asyncio.IncompleteReadError:
            raise ConnectionError("the client is gone") from None
        self._requests.append(request)
        return request

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def reset(self) -> None:
        """End the connection with a reset instead of a farewell."""
        raw: socket.socket = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def close(self) -> None:
        self._writer.close()

    async def gone(self) -> None:
        """Wait until the client has closed its side."""
        while await self._reader.read(65_536):
            pass


class RawServer:
    """What a script is served under, and what came in."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[bytes] = []
        self.connections = 0
        self.all_closed = asyncio.Event()
        self._open = 0
        self.handshakes_resumed: list[bool] = []

    def opened(self) -> None:
        self.connections += 1
        self._open += 1
        self.all_closed.clear()

    def closed(self) -> None:
        self._open -= 1
        if not self._open:
            self.all_closed.set()

    def count(self, start: str) -> int:
        """How many requests began like this: `count("POST /things")`."""
        return sum(request.startswith(start.encode()) for request in self.requests)


@asynccontextmanager
async def serving(
    script: Script, tls: ssl.SSLContext | None = None, at: socket.socket | None = None
) -> AsyncIterator[RawServer]:
    """Serve a script on a free port, or at a socket; it is called once for each connection."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        secured: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
        if secured is not None:
            server.handshakes_resumed.append(bool(secured.session_reused))
        server.opened()
        try:
            await script(Connection(server.connections, reader, writer, server.requests))
        except (ConnectionError, ssl.SSLError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()  # a farewell over TLS would wait for the client's
        finally:
            await _closed(writer)
            server.closed()

    at = at or socket.create_server(("127.0.0.1", 0))
    listening = await asyncio.start_server(accept, sock=at, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    server = RawServer(f"{'https' if tls else 'http'}://127.0.0.1:{port}")
    try:
        yield server
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await listening.wait_closed()


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        await writer.wait_closed()
    except (ConnectionError, ssl.SSLError, asyncio.CancelledError):
        writer.transport.abort()


def reply(
    status: str = "200 OK",
    body: bytes = b"",
    *headers: str,
    media_type: str = "application/json",
) -> bytes:
    """Put together a whole reply."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def always(data: bytes) -> Script:
    """Answer every request with the same bytes, on kept connections."""

    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(data)

    return script


def once(data: bytes) -> Script:
    """Answer one request with these bytes, then close."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(data)
        connection.close()

    return script
