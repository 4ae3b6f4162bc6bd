"""The proxy itself: accepts, asks the upstream, and lets the faults in force have their way."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import ssl
from collections.abc import Coroutine
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import h11

from smokegate.fault_proxy.breaks import ConnectionBreak, PresentTls, Refuse
from smokegate.fault_proxy.client_link import BodyTooLargeError, ClientLink
from smokegate.fault_proxy.conversation import Conversation
from smokegate.fault_proxy.faults import Fault
from smokegate.fault_proxy.record import Record, Strike
from smokegate.fault_proxy.schedule import Schedule
from smokegate.fault_proxy.upstream_link import Upstream, UpstreamLinks

BACKLOG = 256


class FaultProxy:
    """A reverse proxy for HTTP/1.1 on one address that acts out the faults given to it.

    `tls` is the server context to shake hands with, None for plain HTTP. Without faults it is
    transparent but for framing: a reply is read whole and sent with its Content-Length. Use it
    as an asynchronous context manager; leaving it closes every connection. It raises then, as
    an ExceptionGroup, whatever failed in the proxy's or a fault's own code.

        async with FaultProxy(Upstream("http://127.0.0.1:8000")) as proxy:
            await proxy.act_out(Fault(SetStatus(500), path="^/health"))
    """

    def __init__(
        self,
        upstream: Upstream,
        *faults: Fault,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.upstream = upstream
        self.record = Record()
        self._tls = tls
        self._host = host
        self._port = port
        self._schedule = Schedule(faults)
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._connections = 0
        self._requests = itertools.count(1)
        self._links = UpstreamLinks()
        self._mistakes: list[Exception] = []

    @property
    def url(self) -> str:
        """Where it listens, `https://127.0.0.1:PORT`; the same as long as it is open."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'http' if self._tls is None else 'https'}://{host}:{self._port}"

    @property
    def port(self) -> int:
        """The port it listens on, while it is open."""
        return self._port

    async def __aenter__(self) -> Self:
        await self._apply()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stop()
        if self._mistakes:
            raise ExceptionGroup("the fault proxy failed", self._mistakes)

    async def act_out(self, *faults: Fault) -> None:
        """Put these faults in force instead of those before; none: behave.

        Counting starts anew. Requests under way keep the faults that they met.
        """
        self._schedule = Schedule(faults, connections_before=self._connections)
        await self._apply()

    async def _apply(self) -> None:
        refusals = [f for f in self._schedule.faults if isinstance(f.action, Refuse)]
        if refusals:
            await self._stop()
            self._listener = self._bind()
            self.record.strikes += [Strike(fault, connection=0) for fault in refusals]
        elif self._accepting is None:
            self._close_listener()
            self._listener = self._bind()
            self._listener.listen(BACKLOG)
            self._accepting = asyncio.create_task(self._accept(self._listener))

    def _bind(self) -> socket.socket:
        """Hold the port: bound but not listening, it refuses and no one else can take it."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        holder = socket.socket(family, socket.SOCK_STREAM)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.setblocking(False)
        holder.bind((self._host, self._port))
        self._port = holder.getsockname()[1]
        return holder

    def _close_listener(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _stop(self) -> None:
        """Stop listening and drop every connection."""
        tasks = list(self._serving)
        if self._accepting is not None:
            tasks.append(self._accepting)
            self._accepting = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._links.close()
        self._close_listener()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            accepted, _ = await loop.sock_accept(listener)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections += 1
            task = asyncio.create_task(self._guard(self._serve(accepted, self._connections)))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)

    async def _guard(self, serving: Coroutine[Any, Any, None]) -> None:
        """End a connection quietly when its client went away, loudly for a mistake of ours."""
        try:
            await serving
        except (OSError, h11.RemoteProtocolError, BodyTooLargeError):
            pass
        except Exception as mistake:
            self._mistakes.append(mistake)

    async def _serve(self, accepted: socket.socket, number: int) -> None:
        """Serve one connection to its end; the socket is closed whatever happens."""
        tls = self._tls
        with accepted:
            for fault in self._schedule.striking_connection(number):
                if isinstance(fault.action, PresentTls):
                    tls = fault.action.context
                elif isinstance(fault.action, ConnectionBreak):
                    self.record.strikes.append(Strike(fault, number))
                    await fault.action.act(accepted, tls)
                    return
                else:
                    continue
                self.record.strikes.append(Strike(fault, number))
            link = await _shake_hands(accepted, tls, number)
            try:
                await self._converse(link)
            finally:
                await link.abort()

    async def _converse(self, link: ClientLink) -> None:
        conversation = Conversation(link, self.upstream, self.record, self._links)
        async with contextlib.aclosing(conversation):
            while (request := await link.next_request()) is not None:
                request = replace(request, number=next(self._requests))
                await conversation.serve(request, self._schedule.striking_request(request))
                if not link.may_continue():
                    break
        await link.close()


async def _shake_hands(
    accepted: socket.socket, tls: ssl.SSLContext | None, number: int
) -> ClientLink:
    """Return the connection ready for HTTP; raises OSError when TLS fails."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, accepted, ssl=tls)
    return ClientLink(reader, asyncio.StreamWriter(transport, protocol, reader, loop), number)
