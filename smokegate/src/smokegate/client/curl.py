"""The transport over libcurl: one multiplexed pool of connections on asyncio.

What libcurl would do by itself and must not: follow redirects, obey proxy variables, speak other
protocols, decompress, and send a write again when a kept connection dies under it. The last it
does silently, for any method; its pre-request callback sees every send, so a second one is
refused unless the request may be replayed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pycurl

from smokegate.client.addresses import addresses_of, resolved
from smokegate.client.curl_failures import Circumstances, failure_of
from smokegate.client.multi import Multi
from smokegate.client.route import source_of
from smokegate.client.transport import Address, Answer, Failure, Headers, Request
from smokegate.results import Certificate, Timing

_HTTP_VERSIONS = {1: "HTTP/1.0", 2: "HTTP/1.1", 3: "HTTP/2", 4: "HTTP/2", 5: "HTTP/2", 30: "HTTP/3"}
_WITH_CONTENT = frozenset({"POST", "PUT", "PATCH"})
# What libcurl would send by itself, so that the record would not show it.
_DEFAULT_HEADERS = ("Accept", "User-Agent", "Content-Type", "Expect")
# Servers close idle connections after a few seconds, and a write that meets that is lost.
_LONGEST_IDLE_S = 1
_LONGEST_LEAD_S = 1.0
_NOWHERE = ("", 0)
_CIPHERS_OF_OLD = "DEFAULT:@SECLEVEL=0"
_PROXY_LOGIN = 407  # RFC 9110, 15.5.8: only a proxy answers so
_NOT_CONNECTED = frozenset({"refused", "connect_timeout", "unreachable"})
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_CA_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


class CurlTransport:
    """Sends requests through libcurl; bound to the event loop of its first request."""

    def __init__(
        self, *, ca_file: str = "", proxy: str = "", max_reply_bytes: int, max_connections: int
    ) -> None:
        self._multi = Multi(max_connections=max_connections)
        self._ca_file = ca_file or _system_ca_file()
        self._proxy = proxy
        self._shown_proxy = _without_credentials(proxy)
        self._max_reply_bytes = max_reply_bytes
        self._max_connections = max_connections
        self._round_trips_s: dict[str, float] = {}  # the shortest seen, by address
        self._connections: dict[tuple[str, int], int] = {}  # by their address on our side
        self._multiplexes: bool | None = None  # until a reply says so
        self._first_opened: asyncio.Event | None = None
        self._loses_writes = False  # whether a kept connection has died under one
        self._under_way = 0

    async def send(self, request: Request) -> Answer:
        """Send one request; the answer says what became of it."""
        reception = Reception(self._max_reply_bytes, request)
        self._under_way += 1
        try:
            waited_s = await self._let_one_lead(request, reception)
            return await self._perform(request, reception, request.timeout_s - waited_s)
        finally:
            self._under_way -= 1
            reception.opened()

    async def _let_one_lead(self, request: Request, reception: Reception) -> float:
        """Let the first request open a connection that the others may share; seconds waited.

        Whether a target multiplexes is known once a connection stands. libcurl would make the
        others wait for the first reply, or would open a connection for each.
        """
        if request.fresh or self._multiplexes is not None or request.url.startswith("http:"):
            return 0.0
        if self._first_opened is None:
            self._first_opened = reception.first_opened = asyncio.Event()
            return 0.0
        started = asyncio.get_running_loop().time()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(_LONGEST_LEAD_S, request.timeout_s / 2)):
                await self._first_opened.wait()
        return asyncio.get_running_loop().time() - started

    async def _perform(self, request: Request, reception: Reception, timeout_s: float) -> Answer:
        curl = self._prepare(request, reception, timeout_s)
        failure: Failure | None = None
        try:
            try:
                await self._transfer(curl, request)
            except pycurl.error as error:
                failure = await failure_of(curl, error, self._seen(request, reception))
            answer = self._answer(curl, reception, failure)
            if not answer.sources and failure and failure.kind in _NOT_CONNECTED:
                return msgspec.structs.replace(answer, sources=await self._routes(request))
            return answer
        finally:
            curl.close()

    async def _transfer(self, curl: pycurl.Curl, request: Request) -> None:
        """Let libcurl work; a read that a lost connection did not take goes on a new one.

        Over HTTP/1.1 libcurl does so by itself.
        """
        try:
            await self._multi.perform(curl)
        except pycurl.error as error:
            was_kept = curl.getinfo(pycurl.NUM_CONNECTS) == 0
            if error.args[0] != pycurl.E_SEND_ERROR or not (was_kept and request.replayable):
                raise
            left_s = request.timeout_s - curl.getinfo(pycurl.TOTAL_TIME)
            curl.setopt(pycurl.TIMEOUT_MS, max(1, round(left_s * 1000)))
            curl.setopt(pycurl.FRESH_CONNECT, 1)
            await self._multi.perform(curl)

    async def resolve(self, url: str) -> list[Address]:
        """Ask the system's resolver; behind a proxy it is the proxy that resolves."""
        return [] if self._proxy else await addresses_of(url)

    async def _routes(self, request: Request) -> tuple[str, ...]:
        """Our own addresses on the routes to wherever a request would have gone."""
        there = [request.address] if request.address else await self._ips(request.url)
        return tuple({source for each in there if (source := source_of(each))})

    async def _ips(self, url: str) -> list[str]:
        return [] if self._proxy else await resolved(urlsplit(url).hostname or "")

    async def close(self) -> None:
        """Drop every connection; whatever is under way ends as cancelled."""
        self._multi.close()

    def _prepare(self, request: Request, reception: Reception, timeout_s: float) -> pycurl.Curl:
        curl = pycurl.Curl()
        for option, value in self._options(request, timeout_s):
            curl.setopt(option, value)
        if request.body is not None or request.method in _WITH_CONTENT:
            curl.setopt(pycurl.POSTFIELDS, request.body or b"")
        curl.setopt(pycurl.CUSTOMREQUEST, request.method)
        if request.method == "HEAD":
            curl.setopt(pycurl.NOBODY, 1)
        if request.tls_max:
            curl.setopt(pycurl.SSLVERSION, _tls_range(request.tls_max))
            # Old versions are refused by our own library at its default security level.
            curl.setopt(pycurl.SSL_CIPHER_LIST, _CIPHERS_OF_OLD)
        curl.setopt(pycurl.WRITEFUNCTION, reception.take_body)
        curl.setopt(pycurl.HEADERFUNCTION, reception.take_header)
        curl.setopt(pycurl.PREREQFUNCTION, reception.allow_send)
        return curl

    def _options(self, request: Request, timeout_s: float) -> list[tuple[int, Any]]:
        options: list[tuple[int, Any]] = [
            (pycurl.URL, request.url.encode("utf-8", "surrogateescape")),
            (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
            (pycurl.NOSIGNAL, 1),
            (pycurl.PATH_AS_IS, 1),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS),
            (pycurl.PIPEWAIT, int(self._multiplexes is True and not request.fresh)),
            (pycurl.TIMEOUT_MS, max(1, round(timeout_s * 1000))),
            (pycurl.HTTPHEADER, _header_lines(request.headers)),
            (pycurl.OPT_CERTINFO, 1),
            (pycurl.MAXAGE_CONN, _LONGEST_IDLE_S),
        ]
        if self._ca_file:
            options.append((pycurl.CAINFO, self._ca_file))
        if self._proxy:
            options.append((pycurl.PROXY, self._proxy))
        else:
            options += [(pycurl.PROXY, ""), (pycurl.NOPROXY, "*")]
        if request.address:
            options.append((pycurl.CONNECT_TO, [_connect_to(request.address)]))
        if request.fresh:
            options += [
                (pycurl.FRESH_CONNECT, 1),
                (pycurl.FORBID_REUSE, 1),
                (pycurl.SSL_SESSIONID_CACHE, 0),
                (pycurl.DNS_CACHE_TIMEOUT, 0),
            ]
        elif self._loses_writes and not request.replayable:
            options.append((pycurl.FRESH_CONNECT, 1))
        return options

    def _seen(self, request: Request, reception: Reception) -> Circumstances:
        return Circumstances(
            request=request,
            sent=reception.sends > 0,
            proxied=bool(self._proxy),
            queued=self._under_way > self._max_connections,
            multiplexes=self._multiplexes is True,
        )

    def _answer(self, curl: pycurl.Curl, reception: Reception, failure: Failure | None) -> Answer:
        if failure is None and reception.in_head:
            failure = Failure(kind="truncated", detail="the headers end too early")
        if self._proxy and curl.getinfo(pycurl.RESPONSE_CODE) == _PROXY_LOGIN:
            failure = Failure(kind="proxy", detail="it demands a login: status 407")
        version = _HTTP_VERSIONS.get(curl.getinfo(pycurl.INFO_HTTP_VERSION), "")
        if version:
            self._multiplexes = not version.startswith("HTTP/1")
        timing = _timing(curl, reception.sends > 0)
        fresh = curl.getinfo(pycurl.NUM_CONNECTS) > 0
        connection, address = self._note_connection(curl, reception), _address(curl)
        if fresh and reception.sends:
            self._note_round_trip(address, timing)
        if failure is not None and failure.kind == "lost":
            self._loses_writes = True
            # By now libcurl has moved on to a connection on which nothing was sent.
            connection, fresh = self._connections.get(reception.sent_from), False
        round_trip_s = self._round_trips_s.get(address, 0.0)
        return Answer(
            status=curl.getinfo(pycurl.RESPONSE_CODE) or None,
            headers=reception.headers,
            body=b"".join(reception.chunks),
            http_version=version,
            address=address,
            connection=connection,
            fresh=fresh,
            sends=reception.sends,
            proxy=self._shown_proxy,
            sources=_sources(curl),
            timing=msgspec.structs.replace(timing, round_trip_s=round_trip_s),
            certificate=_certificate(curl) if fresh else None,
            failure=failure,
        )

    def _note_connection(self, curl: pycurl.Curl, reception: Reception) -> int | None:
        """Remember the connection that a request ended on, and give its number."""
        connection: int = curl.getinfo(pycurl.CONN_ID)
        if connection < 0:
            return None
        self._connections[reception.last_from] = connection
        return connection

    def _note_round_trip(self, address: str, timing: Timing) -> None:
        """Keep the shortest: a packet that was lost makes a connect last a second longer.

        A TLS handshake takes one round trip or more, so it bounds what was lost in the connect.
        """
        seen_s = min(timing.connect_s, timing.tls_s or timing.connect_s)
        self._round_trips_s[address] = min(seen_s, self._round_trips_s.get(address, seen_s))


class Reception:
    """What libcurl's callbacks gather for one request; none of them may raise."""

    def __init__(self, max_bytes: int, request: Request) -> None:
        self.headers: Headers = []
        self.chunks: list[bytes] = []
        self.sends = 0
        self.sent_from = self.last_from = _NOWHERE
        self.in_head = False
        self.first_opened: asyncio.Event | None = None
        self._bytes = 0
        self._max_bytes = max_bytes
        self._replayable = request.replayable

    def take_body(self, chunk: bytes) -> int:
        """Keep a piece of the body; 0 tells libcurl to stop."""
        self._bytes += len(chunk)
        if self._bytes > self._max_bytes:
            return 0
        self.chunks.append(chunk)
        return len(chunk)

    def take_header(self, line: bytes) -> None:
        """Keep a header line; a new status line begins a new reply (after a 1xx)."""
        text = line.decode("latin-1").rstrip("\r\n")
        if text.startswith("HTTP/") and ":" not in text.partition(" ")[0]:
            self.headers.clear()
            self.in_head = True
            return
        if not text:
            self.in_head = False
        name, colon, value = text.partition(":")
        if colon and name:
            self.headers.append((name, value.strip()))

    def allow_send(self, _to: str, ours: str, _port: int, our_port: int) -> int:
        """Count a send; refuse a second one of a request that must not be replayed."""
        self.opened()
        self.last_from = (ours, our_port)
        if self.sends and not self._replayable:
            return int(pycurl.PREREQFUNC_ABORT)
        self.sends += 1
        self.sent_from = (ours, our_port)
        self.headers.clear()
        self.chunks.clear()
        return int(pycurl.PREREQFUNC_OK)

    def opened(self) -> None:
        """Tell those who wait for the first connection that it stands, or will not."""
        if self.first_opened is not None:
            self.first_opened.set()


def _connect_to(address: str) -> str:
    """Any host and port of the URL leads to this address, on the URL's own port."""
    return f"::[{address}]:" if ":" in address else f"::{address}:"


def _header_lines(headers: Headers) -> list[bytes]:
    given = {name.lower() for name, _ in headers}
    left_out = [f"{name}:".encode() for name in _DEFAULT_HEADERS if name.lower() not in given]
    return [_header_line(*header) for header in headers] + left_out


def _header_line(name: str, value: str) -> bytes:
    # libcurl leaves a header out whose value is empty, unless it is written with a semicolon.
    line = f"{name}: {value}" if value.strip() else f"{name};"
    return _CONTROLS.sub(" ", line).encode("latin-1", "replace")


def _tls_range(newest: str) -> int:
    limits: dict[str, int] = {
        "1.0": pycurl.SSLVERSION_MAX_TLSv1_0,
        "1.1": pycurl.SSLVERSION_MAX_TLSv1_1,
        "1.2": pycurl.SSLVERSION_MAX_TLSv1_2,
    }
    return int(pycurl.SSLVERSION_TLSv1_0) | limits[newest]


def _timing(curl: pycurl.Curl, sent: bool) -> Timing:
    """Give the phases; the one in which a request failed has the time until then."""

    def at(option: int) -> float:
        return float(curl.getinfo(option)) / 1e6

    total, name = at(pycurl.TOTAL_TIME_T), at(pycurl.NAMELOOKUP_TIME_T)
    connect, tls = at(pycurl.CONNECT_TIME_T), at(pycurl.APPCONNECT_TIME_T)
    # Before something was sent, libcurl puts the time of the failure here.
    first = at(pycurl.STARTTRANSFER_TIME_T) if sent else 0.0
    begun = at(pycurl.PRETRANSFER_TIME_T) if sent else total
    secured = tls or (0.0 if sent else total)
    return Timing(
        dns_s=name,
        connect_s=max(0.0, (connect or (0.0 if sent else total)) - name),
        tls_s=max(0.0, secured - connect) if connect else 0.0,
        wait_s=max(0.0, (first or total) - begun),
        receive_s=max(0.0, total - first) if first else 0.0,
        total_s=total,
    )


def _address(curl: pycurl.Curl) -> str:
    host, port = curl.getinfo(pycurl.PRIMARY_IP), curl.getinfo(pycurl.PRIMARY_PORT)
    return (f"[{host}]:{port}" if ":" in host else f"{host}:{port}") if host else ""


def _sources(curl: pycurl.Curl) -> tuple[str, ...]:
    ours: str = curl.getinfo(pycurl.LOCAL_IP)
    return (ours,) if ours else ()


def _certificate(curl: pycurl.Curl) -> Certificate | None:
    chain = curl.getinfo(pycurl.INFO_CERTINFO)
    if not chain:
        return None
    leaf = dict(pair for pair in chain[0] if len(pair) == 2)  # noqa: PLR2004 - name and value
    return Certificate(
        subject=leaf.get("Subject", ""),
        issuer=leaf.get("Issuer", ""),
        not_before=leaf.get("Start date", ""),
        not_after=leaf.get("Expire date", ""),
    )


def _without_credentials(url: str) -> str:
    scheme, separator, rest = url.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _system_ca_file() -> str:
    named = os.environ.get("SSL_CERT_FILE", "")
    return next((path for path in (named, *_CA_FILES) if path and Path(path).is_file()), "")
