"""A TCP relay that makes a loopback connection as slow as a distant one.

What it delays. Every byte reaches the other side half a round trip after it was sent; so does
the end of a stream. Bandwidth is not limited.

How connecting is delayed. A relay in user space cannot hold back the SYN-ACK: the kernel of the
listening side completes the handshake at once, before anyone can accept. So the client believes
to be connected after 0 round trips. The relay takes that round trip back: what the client sends
during the first round trip after the accept is treated as if it had waited in the client's
kernel for the SYN-ACK, and leaves one round trip after the accept. The connection to the
upstream is made at that moment as well. From connect to the first byte of a reply therefore
takes 2 round trips over plain HTTP and 3 with TLS 1.3, as over a real network; but a client that
measures its phases sees connect near 0 and a TLS handshake of 2 round trips. Where the phases
themselves matter, `delayed_link` delays real packets instead, where the system allows that.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, urlsplit

from smokegate.fault_proxy.client_link import READ_BYTES, close_with_reset

# Pieces, of up to READ_BYTES each, on their way in one direction before the sender has to wait.
PIECES_MAX = 128


@dataclass(frozen=True)
class Stall:
    """A lost packet: the bytes to the client of one connection stop once, then all go on.

    It is the first connection to get as far as the byte after `after_bytes`, of those from
    `connection` on, counted from 1 in the order of acceptance. It stops for `seconds`.
    """

    connection: int
    seconds: float
    after_bytes: int = 0


@dataclass(frozen=True)
class Reset:
    """One connection, chosen as for `Stall`, is reset on both sides instead of its next byte."""

    connection: int
    after_bytes: int = 0


Trouble = Stall | Reset


class DelayRelay:
    """Relays to the host and port of `upstream_url`, whose scheme its own `url` has.

    `rtt_s` is the round trip that it simulates. Every trouble strikes once. `connections` counts
    what was accepted, `struck` lists the troubles that came about. An upstream that refuses
    shows as a reset after one round trip: the kernel has already accepted the client. It listens
    at `listener`, where that is given: a socket of another network, for instance.

        async with DelayRelay("https://127.0.0.1:8443", rtt_s=0.05) as relay:
            ...  # requests to relay.url
    """

    def __init__(
        self,
        upstream_url: str,
        rtt_s: float,
        troubles: Sequence[Trouble] = (),
        listener: socket.socket | None = None,
    ) -> None:
        self._listener = listener
        self._upstream = urlsplit(upstream_url)
        self._rtt_s = rtt_s
        self._troubles = tuple(troubles)
        self._server: asyncio.Server | None = None
        self._relaying: dict[asyncio.Task[None], _End] = {}
        self.connections = 0
        self.struck: list[Trouble] = []

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1, while it is open."""
        if self._server is None:
            raise RuntimeError("the relay is not open")
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"{self._upstream.scheme}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        listener = self._listener or socket.create_server(("127.0.0.1", 0))
        # Inherited by each connection: what delays is this relay alone, not Nagle's algorithm.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server = await asyncio.start_server(self.accept, sock=listener, backlog=256)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        relaying = list(self._relaying)
        self.reset_all()
        await asyncio.gather(*relaying, return_exceptions=True)

    def reset_all(self) -> None:
        """Reset what is connected."""
        for task, client in self._relaying.items():
            task.cancel()
            client.writer.transport.abort()  # a task that has not begun would never do it

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin to relay a connection."""
        self.connections += 1
        client = _End(reader, writer)
        task = asyncio.create_task(self._relay(client, self.connections))
        self._relaying[task] = client
        task.add_done_callback(self._relaying.pop)

    async def _relay(self, client: _End, number: int) -> None:
        """Carry one connection until both sides have ended it, or reset both when one is."""
        connected_s = asyncio.get_running_loop().time() + self._rtt_s
        there = _Way(self._rtt_s / 2, opens_at_s=connected_s)
        back = _Way(self._rtt_s / 2)
        ends = [client]
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(there.collect(client))
                await _sleep_until(connected_s)
                upstream = await _connect(self._upstream)
                ends.append(upstream)
                group.create_task(there.deliver(upstream))
                group.create_task(back.collect(upstream))
                group.create_task(self._deliver_to_client(back, client, number))
        except* OSError:
            for end in ends:
                close_with_reset(end.writer)
        finally:
            for end in ends:
                await end.close()

    async def _deliver_to_client(self, way: _Way, client: _End, number: int) -> None:
        """Deliver, with the troubles that this connection is the first to get to."""
        mine = [trouble for trouble in self._troubles if trouble.connection <= number]
        for trouble in sorted(mine, key=lambda trouble: trouble.after_bytes):
            if not await way.deliver(client, until_byte=trouble.after_bytes):
                return
            if trouble in self.struck:
                continue
            self.struck.append(trouble)
            if isinstance(trouble, Reset):
                raise ConnectionResetError
            await asyncio.sleep(trouble.seconds)
        await way.deliver(client)


class _End:
    """One side of a relayed connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        # A drain then waits until the kernel has all, and closing after it loses nothing.
        writer.transport.set_write_buffer_limits(high=0)

    async def close(self) -> None:
        self.writer.transport.abort()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


class _Way:
    """One direction: pieces enter when they were sent and leave when they are due.

    An empty piece is the end of the stream, None a reset. Nothing leaves before `opens_at_s`
    and the delay after it.
    """

    def __init__(self, delay_s: float, opens_at_s: float = 0.0) -> None:
        self._delay_s = delay_s
        self._opens_at_s = opens_at_s
        self._under_way: asyncio.Queue[tuple[float, bytes | None]] = asyncio.Queue(PIECES_MAX)
        self._due = b""
        self._delivered_bytes = 0

    async def collect(self, end: _End) -> None:
        """Take in what comes from one side until it ends."""
        piece: bytes | None = b" "
        while piece:
            try:
                piece = await end.reader.read(READ_BYTES)
            except ConnectionError:
                piece = None
            now_s = asyncio.get_running_loop().time()
            await self._under_way.put((max(now_s, self._opens_at_s) + self._delay_s, piece))

    async def deliver(self, end: _End, until_byte: int | None = None) -> bool:
        """Hand over what is due; True when the byte at `until_byte` is next, False at the end.

        Raises ConnectionError when the sender has reset or the receiver is gone.
        """
        while await self._next_is_due():
            room = None if until_byte is None else until_byte - self._delivered_bytes
            piece, self._due = self._due[:room], self._due[len(self._due[:room]) :]
            end.writer.write(piece)
            await end.writer.drain()
            self._delivered_bytes += len(piece)
            if self._due:
                return True
        end.writer.write_eof()
        return False

    async def _next_is_due(self) -> bool:
        """Wait until there is something to hand over; False at the end of the stream."""
        if not self._due:
            due_s, piece = await self._under_way.get()
            await _sleep_until(due_s)
            if piece is None:
                raise ConnectionResetError
            self._due = piece
        return bool(self._due)


async def _connect(upstream: SplitResult) -> _End:
    return _End(*await asyncio.open_connection(upstream.hostname, upstream.port))


async def _sleep_until(due_s: float) -> None:
    await asyncio.sleep(due_s - asyncio.get_running_loop().time())
