"""Faults of the connection itself: below HTTP, before a request was read.

Their `method`, `path` and `reused` are not looked at; they count connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from abc import abstractmethod
from dataclasses import dataclass

from smokegate.fault_proxy.client_link import LINGER_RESET, READ_BYTES
from smokegate.fault_proxy.faults import Action


@dataclass(frozen=True)
class Refuse(Action):
    """Nobody listens: every connect is refused and open connections are reset.

    In force as long as the fault is set; its occasion is not looked at. The port stays the
    proxy's own.
    """


@dataclass(frozen=True, eq=False)
class PresentTls(Action):
    """Shake hands with another certificate or other versions on the connections it strikes."""

    context: ssl.SSLContext


class ConnectionBreak(Action):
    """What happens to an accepted connection instead of TLS and HTTP."""

    @abstractmethod
    async def act(self, accepted: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Treat the connection so; return when the client has left. Closing is the proxy's."""


@dataclass(frozen=True)
class AcceptSilently(ConnectionBreak):
    """Accept, read whatever comes, never send a byte."""

    async def act(self, accepted: socket.socket, tls: ssl.SSLContext | None) -> None:
        await _swallow(accepted)


@dataclass(frozen=True)
class ResetOnAccept(ConnectionBreak):
    """Answer the finished connect with RST; clients see it while they connect or first read."""

    async def act(self, accepted: socket.socket, tls: ssl.SSLContext | None) -> None:
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)


@dataclass(frozen=True)
class HangHandshake(ConnectionBreak):
    """Read the client's hello, send the first bytes of the server's answer, then nothing.

    Needs a proxy with TLS.
    """

    sent_bytes: int = 16

    async def act(self, accepted: socket.socket, tls: ssl.SSLContext | None) -> None:
        if tls is None:
            raise ValueError("HangHandshake needs a proxy that speaks TLS")
        loop = asyncio.get_running_loop()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        handshake = tls.wrap_bio(incoming, outgoing, server_side=True)
        while not outgoing.pending:
            hello = await loop.sock_recv(accepted, READ_BYTES)
            if not hello:
                return
            incoming.write(hello)
            with contextlib.suppress(ssl.SSLWantReadError):
                handshake.do_handshake()
        await loop.sock_sendall(accepted, outgoing.read(self.sent_bytes))
        await _swallow(accepted)


async def _swallow(accepted: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while await loop.sock_recv(accepted, READ_BYTES):
            pass
