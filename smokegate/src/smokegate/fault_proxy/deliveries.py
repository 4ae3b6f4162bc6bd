"""Faults in how a reply travels: in pieces, slowly, cut off, endlessly or not at all."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import h11

from smokegate.fault_proxy.client_link import ClientLink, reply_head
from smokegate.fault_proxy.faults import Action
from smokegate.fault_proxy.messages import Reply, Request


class Delivery(Action):
    """A way for a reply to reach the client. The first one that strikes a request decides."""

    # Where False, the reply handed over is an empty one and the upstream never saw the request.
    upstream_sees: bool = True
    # Where True, a reply without a body is delivered whole and the fault was not acted out.
    needs_body: ClassVar[bool] = False

    @abstractmethod
    async def deliver(self, link: ClientLink, request: Request, reply: Reply) -> None:
        """Send it so; raises OSError when the client leaves."""


@dataclass(frozen=True)
class Whole(Delivery):
    """As a good server sends it."""

    async def deliver(self, link: ClientLink, request: Request, reply: Reply) -> None:
        await link.send_head(reply)
        await link.send_data(reply.body)
        await link.end()


@dataclass(frozen=True)
class Chunked(Delivery):
    """Whole and good, with chunked transfer encoding where a body may be."""

    chunk_bytes: int = 1024
    needs_body = True

    async def deliver(self, link: ClientLink, request: Request, reply: Reply) -> None:
        await link.send_head(_chunked(reply))
        for start in range(0, len(reply.body), self.chunk_bytes):
            await link.send_data(reply.body[start : start + self.chunk_bytes])
        await link.end()


@dataclass(frozen=True)
class Drip(Delivery):
    """All of it, head included when `head`, a few bytes at a time with a pause before each."""

    pause_s: float
    bytes_per_pause: int = 1
    head: bool = False
    needs_body = True

    async def deliver(self, link: ClientLink, request: Request, reply: Reply) -> None:
        slow = link.encode(reply_head(reply))
        if not self.head:
            await link.send_bytes(slow)
            slow = b""
        slow += link.encode(h11.Data(data=reply.body)) + link.encode(h11.EndOfMessage())
        for start in range(0, len(slow), self.bytes_per_pause):
            await asyncio.sleep(self.pause_s)
            await link.send_bytes(slow[start : start + self.bytes_per_pause])


@dataclass(frozen=True)
class Truncate(Delivery):
    """The full Content-Length, a part of the body, then an orderly end of the connection."""

    keep: float = 0.5
    needs_body = True

    async def deliver(self, link: ClientLink, request: Request, reply: Reply) -> None:
        await _send_part(link, reply, self.keep)
        await link.close()


@dataclass(frozen=True)
class ResetMidBody(Delivery):
    """The full Content-Length, a part of the body, then RST."""

    keep: float = 0.5
    needs_body = True

    async def deliver(self, link: ClientLink, request: Request, reply: Reply) -> None:
        await _send_part(link, reply, self.keep)
        await link.reset()


@dataclass(frozen=True)
class ResetBeforeReply(Delivery):
    """RST instead of the first byte, after the upstream has acted on the request or not."""

    upstream_sees: bool = True

    async def deliver(self, link: ClientLink, request: Request, reply: Reply) -> None:
        await link.reset()


@dataclass(frozen=True)
class Silence(Delivery):
    """The request is read and nothing ever comes back; the connection stays open."""

    upstream_sees: bool = True

    async def deliver(self, link: ClientLink, request: Request, reply: Reply) -> None:
        await link.until_client_leaves()


@dataclass(frozen=True)
class Stall(Delivery):
    """A part of the body, nothing for `seconds` (None: for good), then the rest."""

    seconds: float | None = None
    keep: float = 0.5
    needs_body = True

    async def deliver(self, link: ClientLink, request: Request, reply: Reply) -> None:
        rest = await _send_part(link, reply, self.keep)
        if self.seconds is None:
            await link.until_client_leaves()
            return
        await asyncio.sleep(self.seconds)
        await link.send_data(rest)
        await link.end()


@dataclass(frozen=True)
class Endless(Delivery):
    """The reply's headers, then a chunked body of this piece until the client has enough."""

    piece: bytes = b" " * 65_536
    pause_s: float = 0.0
    needs_body = True

    async def deliver(self, link: ClientLink, request: Request, reply: Reply) -> None:
        await link.send_head(_chunked(reply))
        while True:
            await link.send_data(self.piece)
            await asyncio.sleep(self.pause_s)


@dataclass(frozen=True)
class RawBytes(Delivery):
    """These bytes in place of the whole reply, HTTP or not, then an orderly end."""

    data: bytes
    upstream_sees: bool = True

    async def deliver(self, link: ClientLink, request: Request, reply: Reply) -> None:
        await link.send_bytes(self.data)
        await link.close()


async def _send_part(link: ClientLink, reply: Reply, keep: float) -> bytes:
    """Send the head and a share of the body; return what is left of it."""
    kept = int(len(reply.body) * keep)
    await link.send_head(reply)
    await link.send_data(reply.body[:kept])
    return reply.body[kept:]


def _chunked(reply: Reply) -> Reply:
    return reply.without_header("Content-Length").with_header("Transfer-Encoding", "chunked")
