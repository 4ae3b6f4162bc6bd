"""A server on loopback that speaks HTTP/2 and fails streams and connections as a test wants."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Literal, NamedTuple

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived

Fate = Literal["answered", "reset", "stream reset", "refused", "going away"]


class Asked(NamedTuple):
    """A request: on which connection it came, and by which method."""

    connection: int
    method: str


class Http2Server:
    """What came in, and the fate of each request."""

    def __init__(self, port: int, fate: Callable[[Asked], Fate], together: int) -> None:
        self.url = f"https://127.0.0.1:{port}"
        self.connections = 0
        self.asked: list[Asked] = []
        self.fate = fate
        self.barrier = asyncio.Barrier(together)

    def count(self, method: str) -> int:
        return sum(asked.method == method for asked in self.asked)


class _Conversation:
    """One connection; on the first, requests wait until as many have come as belong together."""

    def __init__(
        self, server: Http2Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._number = server.connections
        self._http = H2Connection(config=H2Configuration(client_side=False))
        self._answers: set[asyncio.Task[None]] = set()

    async def hold(self) -> None:
        self._http.initiate_connection()
        self._flush()
        try:
            while data := await self._reader.read(65_536):
                for event in self._http.receive_data(data):
                    if isinstance(event, RequestReceived):
                        self._take(event)
                self._flush()
        finally:
            for task in self._answers:
                task.cancel()

    def _take(self, event: RequestReceived) -> None:
        method = dict(event.headers)[b":method"].decode()
        asked = Asked(self._number, method)
        self._server.asked.append(asked)
        task = asyncio.create_task(self._decide(event.stream_id, self._server.fate(asked)))
        self._answers.add(task)

    async def _decide(self, stream: int, fate: Fate) -> None:
        if self._number == 1:
            await self._server.barrier.wait()
        if self._writer.transport.is_closing():
            return
        if fate == "answered":
            head = [(":status", "200"), ("content-type", "application/json")]
            self._http.send_headers(stream, head)
            self._http.send_data(stream, b"{}", end_stream=True)
        elif fate == "stream reset":
            self._http.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
        elif fate == "refused":
            self._http.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
        elif fate == "going away":
            self._http.close_connection(last_stream_id=0)
        self._flush()
        if fate in ("reset", "going away"):
            self._end(reset=fate == "reset")

    def _end(self, *, reset: bool) -> None:
        if reset:
            raw: socket.socket = self._writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        else:
            self._writer.close()

    def _flush(self) -> None:
        self._writer.write(self._http.data_to_send())


@asynccontextmanager
async def serving_http2(
    tls: ssl.SSLContext,
    fate: Callable[[Asked], Fate] = lambda _: "answered",
    *,
    together: int = 1,
) -> AsyncIterator[Http2Server]:
    """Serve on a free port; on the first connection so many requests have their fate together."""
    tls.set_alpn_protocols(["h2"])
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        server.connections += 1
        with suppress(ConnectionError, ssl.SSLError, asyncio.CancelledError):
            await _Conversation(server, reader, writer).hold()
        writer.transport.abort()

    listening = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    server = Http2Server(listening.sockets[0].getsockname()[1], fate, together)
    try:
        yield server
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await listening.wait_closed()
