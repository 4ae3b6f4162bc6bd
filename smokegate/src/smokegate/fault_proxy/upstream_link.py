"""The proxy's own connections to its upstreams, kept while they are surely alive."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import h11

from smokegate.fault_proxy.client_link import MAX_BODY_BYTES, READ_BYTES, BodyTooLargeError
from smokegate.fault_proxy.messages import Reply, Request

# Servers close idle connections after seconds (uvicorn: 5). A connection that could be closed
# while a request is under way would force the proxy to send a write twice or to lose it.
REUSE_WITHIN_S = 1.0


@dataclass(frozen=True)
class Upstream:
    """Where requests go: `url` is scheme, host and port; TLS is verified against `ca_file`.

    Without `ca_file` the authorities of the system are trusted. With `by_its_name` requests name
    its own host, as a server wants that has several by name, and a redirect to its own origin
    becomes one to a path; else it sees the host that the client asked for.
    """

    url: str
    ca_file: Path | None = None
    by_its_name: bool = False

    @property
    def host(self) -> str:
        """The host to connect to."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port to connect to."""
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    def addressed(self, request: Request) -> Request:
        """Return the request as it is sent here."""
        host = urlsplit(self.url).netloc
        return request.with_header("Host", host) if self.by_its_name else request

    def returned(self, reply: Reply) -> Reply:
        """Return the reply as it is passed on to a client that asked another origin."""
        location = reply.header("Location") or ""
        path = location.removeprefix(self.url)
        if not self.by_its_name or path == location or path[:1] not in ("", "/", "?"):
            return reply
        return reply.with_header("Location", path if path.startswith("/") else f"/{path}")

    def tls(self) -> ssl.SSLContext | None:
        """Return how to speak TLS with it, None for plain HTTP."""
        return _trusting(self.ca_file) if urlsplit(self.url).scheme == "https" else None


@cache
def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)


class UpstreamLinks:
    """All connections of one proxy; one that no client uses any more is given to the next."""

    def __init__(self) -> None:
        self._idle: dict[Upstream, list[UpstreamLink]] = defaultdict(list)
        self._numbers = itertools.count(1)

    def take(self, upstream: Upstream) -> UpstreamLink:
        """Give a link that nobody else uses until it is given back."""
        idle = self._idle[upstream]
        return idle.pop() if idle else UpstreamLink(upstream, self._numbers.__next__)

    async def give_back(self, upstream: Upstream, link: UpstreamLink) -> None:
        """Keep a link for the next client, unless it is in the middle of something."""
        if link.is_reusable:
            self._idle[upstream].append(link)
        else:
            await link.close()

    async def close(self) -> None:
        """Drop those that are idle."""
        for links in self._idle.values():
            while links:
                await links.pop().close()


class UpstreamLink:
    """One connection at a time, made on demand and kept while it is surely alive."""

    def __init__(self, upstream: Upstream, next_number: Callable[[], int]) -> None:
        self._upstream = upstream
        self._tls = upstream.tls()
        self._next_number = next_number
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._http = h11.Connection(h11.CLIENT)
        self._idle_since_s = 0.0
        self.number = 0

    async def connect(self) -> int:
        """Make sure that a live connection is there and return its number.

        Raises OSError (refused, TLS not verified).
        """
        if not self.is_reusable:
            await self.close()
            self._streams = await asyncio.open_connection(
                self._upstream.host, self._upstream.port, ssl=self._tls
            )
            self._http = h11.Connection(h11.CLIENT)
            self.number = self._next_number()
        return self.number

    async def exchange(self, request: Request) -> Reply:
        """Send one request over the connection made before and return the reply, whole.

        Never sent twice. Raises OSError, h11.RemoteProtocolError, BodyTooLargeError.
        """
        head = h11.Request(
            method=request.method.encode("ascii"),
            target=request.target.encode("latin-1"),
            headers=_forwarded_headers(request),
        )
        await self._send(head, h11.Data(data=request.body), h11.EndOfMessage())
        response = await self._next_event()
        while isinstance(response, h11.InformationalResponse):
            response = await self._next_event()
        if not isinstance(response, h11.Response):
            raise ConnectionError("the upstream closed before it replied")
        reply = _reply(response, await self._read_body())
        await self._finish()
        return reply

    async def close(self) -> None:
        """Drop the connection, if there is one."""
        if self._streams is None:
            return
        (_, writer), self._streams = self._streams, None
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    @property
    def is_reusable(self) -> bool:
        """Whether it is between two exchanges and surely alive."""
        if self._streams is None or self._streams[0].at_eof():
            return False
        is_between = self._http.our_state is h11.IDLE
        return (
            is_between and asyncio.get_running_loop().time() - self._idle_since_s < REUSE_WITHIN_S
        )

    async def _finish(self) -> None:
        if self._http.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            self._http.start_next_cycle()
            self._idle_since_s = asyncio.get_running_loop().time()
        else:
            await self.close()

    def _open_streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            raise ConnectionError("not connected to the upstream")
        return self._streams

    async def _send(self, *events: h11.Event) -> None:
        _, writer = self._open_streams()
        writer.write(b"".join(self._http.send(event) or b"" for event in events))
        await writer.drain()

    async def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        reader, _ = self._open_streams()
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await reader.read(READ_BYTES))
        return event

    async def _read_body(self) -> bytes:
        body = bytearray()
        while isinstance(event := await self._next_event(), h11.Data):
            body += event.data
            if len(body) > MAX_BODY_BYTES:
                raise BodyTooLargeError
        return bytes(body)


def _forwarded_headers(request: Request) -> list[tuple[bytes, bytes]]:
    """Return the client's headers with framing of our own: the body is whole by now."""
    sent = request.without_header("Transfer-Encoding", "Content-Length", "Expect", "Connection")
    if request.body or request.header("Content-Length") is not None:
        sent = sent.with_added_header("Content-Length", str(len(request.body)))
    return [(key.encode("latin-1"), value.encode("latin-1")) for key, value in sent.headers]


def _reply(response: h11.Response, body: bytes) -> Reply:
    headers = tuple(
        (k.decode("latin-1"), v.decode("latin-1")) for k, v in response.headers.raw_items()
    )
    return Reply(
        status=response.status_code,
        reason=bytes(response.reason).decode("latin-1"),
        headers=headers,
        body=body,
    ).without_header("Transfer-Encoding", "Connection", "Keep-Alive")
