"""The proxy's side of one client connection: whole requests in, any bytes or a reset out."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

import h11

from smokegate.fault_proxy.messages import Reply, Request

READ_BYTES = 65_536
MAX_BODY_BYTES = 64 * 1024 * 1024
# On, with zero seconds: closing sends RST and drops what has not been sent.
LINGER_RESET = struct.pack("ii", 1, 0)


class BodyTooLargeError(Exception):
    """A body that the proxy will not hold in memory."""


def close_with_reset(writer: asyncio.StreamWriter) -> None:
    """Make the coming close of a connection an RST."""
    accepted = writer.get_extra_info("socket")  # None where it is closed already
    if accepted is not None:
        with contextlib.suppress(OSError):
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)


class ClientLink:
    """One accepted connection, TLS already done; `number` counts from 1."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        self.number = number
        self._reader = reader
        self._writer = writer
        # A drain then waits until all has left the buffer: a reset must not overtake a write.
        # Not 0: asyncio's TLS transport counts an empty buffer as full then, and waits for ever.
        writer.transport.set_write_buffer_limits(high=1, low=0)
        self._http = h11.Connection(h11.SERVER)
        self._requests = 0
        self._over = False

    async def next_request(self) -> Request | None:
        """Return the next request whole, or None when the client has left.

        Raises h11.RemoteProtocolError when what came is no HTTP, BodyTooLargeError.
        """
        head = await self._next_event()
        if not isinstance(head, h11.Request):
            return None
        body = await self._read_body()
        if body is None:
            return None
        self._requests += 1
        headers = tuple(
            (k.decode("latin-1"), v.decode("latin-1")) for k, v in head.headers.raw_items()
        )
        return Request(
            method=head.method.decode("ascii"),
            target=head.target.decode("latin-1"),
            headers=headers,
            body=body,
            connection=self.number,
            position=self._requests,
        )

    async def _read_body(self) -> bytes | None:
        body = bytearray()
        while True:
            if self._http.they_are_waiting_for_100_continue:
                await self.send(h11.InformationalResponse(status_code=100, headers=[]))
            event = await self._next_event()
            if isinstance(event, h11.EndOfMessage):
                return bytes(body)
            if not isinstance(event, h11.Data):
                return None
            body += event.data
            if len(body) > MAX_BODY_BYTES:
                raise BodyTooLargeError

    async def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(READ_BYTES))
        return event

    async def send_head(self, reply: Reply) -> None:
        """Send status line and headers, letter case kept; they decide the framing."""
        await self.send(reply_head(reply))

    async def send_data(self, data: bytes) -> None:
        """Send a piece of the body, framed as the headers said."""
        await self.send(h11.Data(data=data))

    async def end(self) -> None:
        """End the body."""
        await self.send(h11.EndOfMessage())

    async def send(self, event: h11.Event) -> None:
        """Send an event once the kernel has taken it; raises OSError when the client left."""
        await self.send_bytes(self.encode(event))

    def encode(self, event: h11.Event) -> bytes:
        """Return the bytes of an event, counting it as sent."""
        return self._http.send(event) or b""

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are; raises OSError when the client left."""
        self._writer.write(data)
        await self._writer.drain()

    def may_continue(self) -> bool:
        """Tell whether another request may follow on this connection, and make room for it."""
        if self._over or self._http.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            return False
        self._http.start_next_cycle()
        return True

    async def until_client_leaves(self) -> None:
        """Swallow whatever comes until the client closes; nothing is answered any more."""
        self._over = True
        with contextlib.suppress(OSError):
            while await self._reader.read(READ_BYTES):
                pass

    async def reset(self) -> None:
        """Close with RST."""
        self._over = True
        close_with_reset(self._writer)
        await self.abort()

    async def close(self) -> None:
        """Close in order: what was sent arrives, then the end of the stream."""
        self._over = True
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def abort(self) -> None:
        """Drop the connection without waiting for the client."""
        self._over = True
        self._writer.transport.abort()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


def reply_head(reply: Reply) -> h11.Response:
    """Return status line and headers as h11 sends them."""
    return h11.Response(
        status_code=reply.status,
        reason=reply.reason.encode("latin-1"),
        headers=[(k.encode("latin-1"), v.encode("latin-1")) for k, v in reply.headers],
    )
