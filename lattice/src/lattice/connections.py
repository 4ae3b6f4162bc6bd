"""Connections whose clients have to keep up: those that send or read too slowly are closed.

A loop that serves thousands of connections is held up by none of them, but each takes memory and
a file handle for as long as it lasts.
"""

import asyncio
import socket
import struct
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

# Whoever reads less in `client_timeout_s` than what fits into one window does not read.
READ_BYTES_MIN = 65_536
RESET_AT_ONCE = struct.pack("ii", 1, 0)


class Lingering(ServerState):
    """What the connections of a server share; `draining` means that none is kept alive."""

    draining = False

    def drain(self) -> None:
        """Let every connection end with the reply that it is about to give, or with its next."""
        self.draining = True
        for connection in self.connections:
            if isinstance(connection, Connection):
                connection.end_after_reply()


class Connection(HttpToolsProtocol):
    """One client: it has `timeout_s` to send a request whole, and to read on in a reply.

    A body that is late is the application's to answer; everything else ends the connection. Of
    `connections_max` twice as many are closed as soon as they are made: the application, which
    refuses those between, must keep some files for itself.
    """

    def __init__(self, *args: Any, timeout_s: float, connections_max: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self._timeout_s = timeout_s
        self._refused_from = 2 * connections_max
        self._sending: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        if len(self.connections) > self._refused_from:
            transport.abort()
        else:
            self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop(self._sending)
        self._stop(self._reading)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Begin to wait for the rest of a request with its first byte."""
        if self._sending is None and self._is_idle():
            self._await_request()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Begin to answer; for the last time where connections are drained."""
        super().on_headers_complete()
        if getattr(self.server_state, "draining", False):
            self.end_after_reply()

    def on_message_complete(self) -> None:
        """Have a request whole."""
        self._stop(self._sending)
        self._sending = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Watch whether what could not be sent at once is read."""
        self._watch_reading()
        super().on_response_complete()

    def end_after_reply(self) -> None:
        """Keep the connection alive for no further request."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _await_request(self) -> None:
        self._sending = self.loop.call_later(self._timeout_s, self._late)

    def _late(self) -> None:
        if self._is_idle():
            self.transport.abort()
        else:
            self._await_request()

    def _watch_reading(self) -> None:
        unread_bytes = self.transport.get_write_buffer_size()
        if unread_bytes and self._reading is None:
            self._reading = self.loop.call_later(self._timeout_s, self._look, unread_bytes)

    def _look(self, unread_bytes: int) -> None:
        self._reading = None
        if self.transport.get_write_buffer_size() > max(0, unread_bytes - READ_BYTES_MIN):
            # What the system still holds for it is given up too: it would keep that for minutes.
            plain: socket.socket = self.transport.get_extra_info("socket")
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
            self.transport.abort()
        else:
            self._watch_reading()

    @staticmethod
    def _stop(timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()
