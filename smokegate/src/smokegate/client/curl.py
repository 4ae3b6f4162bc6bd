"""The transport over libcurl: one multiplexed pool of connections on asyncio.

What libcurl would do by itself and must not: follow redirects, obey proxy variables, speak other
protocols, decompress, and send a write again when a kept connection dies under it. The last it
does silently, for any method; its pre-request callback sees every send, so a second one is
refused unless the request may be replayed.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pycurl

from smokegate.client.transport import Answer, Failure, Headers, Request
from smokegate.results import Certificate, Timing

_HTTP_VERSIONS = {1: "HTTP/1.0", 2: "HTTP/1.1", 3: "HTTP/2", 4: "HTTP/2", 5: "HTTP/2", 30: "HTTP/3"}
_LOCAL_ERRORS = {
    errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EACCES, errno.EPERM,
    errno.EADDRNOTAVAIL,
}  # fmt: skip
_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN}
# OpenSSL's X509_V_ERR_ codes; every other one says that the chain is not trusted.
_VERIFY_KINDS = {9: "certificate_not_yet_valid", 10: "certificate_expired"}
_FAILURE_KINDS = {
    pycurl.E_COULDNT_RESOLVE_PROXY: "proxy",
    pycurl.E_GOT_NOTHING: "empty",
    pycurl.E_SEND_ERROR: "reset",
    pycurl.E_RECV_ERROR: "reset",
    pycurl.E_HTTP2: "reset",
    pycurl.E_PARTIAL_FILE: "truncated",
    pycurl.E_WRITE_ERROR: "too_large",
    pycurl.E_ABORTED_BY_CALLBACK: "lost",
    pycurl.E_SSL_CONNECT_ERROR: "tls",
    pycurl.E_OUT_OF_MEMORY: "local",
    pycurl.E_FAILED_INIT: "local",
}
_HTTP2_STREAM_ERROR = 92  # CURLE_HTTP2_STREAM, which pycurl does not name
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
        self._multi = pycurl.AsyncCurlMulti()
        self._multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, max_connections)
        self._ca_file = ca_file or _system_ca_file()
        self._proxy = proxy
        self._max_reply_bytes = max_reply_bytes
        self._round_trips_s: dict[int, float] = {}
        self._multiplexes = True  # until a reply says otherwise

    async def send(self, request: Request) -> Answer:
        """Send one request; the answer says what became of it."""
        reception = Reception(self._max_reply_bytes, request)
        curl = self._prepare(request, reception)
        failure: Failure | None = None
        try:
            await self._multi.perform(curl)
        except pycurl.error as error:
            failure = await self._failure(curl, request, error.args[0], str(error.args[1]))
        try:
            return self._answer(curl, reception, failure)
        finally:
            curl.close()

    async def close(self) -> None:
        """Drop every connection; whatever is under way ends as cancelled."""
        await self._multi.aclose()

    def _prepare(self, request: Request, reception: Reception) -> pycurl.Curl:
        curl = pycurl.Curl()
        for option, value in self._options(request):
            curl.setopt(option, value)
        if request.body is not None:
            curl.setopt(pycurl.POSTFIELDS, request.body)
        curl.setopt(pycurl.CUSTOMREQUEST, request.method)
        if request.method == "HEAD":
            curl.setopt(pycurl.NOBODY, 1)
        if request.tls_max:
            curl.setopt(pycurl.SSLVERSION, _tls_range(request.tls_max))
            # Old versions are refused by our own library at its default security level.
            curl.setopt(pycurl.SSL_CIPHER_LIST, "DEFAULT:@SECLEVEL=0")
        curl.setopt(pycurl.WRITEFUNCTION, reception.take_body)
        curl.setopt(pycurl.HEADERFUNCTION, reception.take_header)
        curl.setopt(pycurl.PREREQFUNCTION, reception.allow_send)
        return curl

    def _options(self, request: Request) -> list[tuple[int, Any]]:
        options: list[tuple[int, Any]] = [
            (pycurl.URL, request.url.encode("utf-8", "surrogateescape")),
            (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
            (pycurl.NOSIGNAL, 1),
            (pycurl.PATH_AS_IS, 1),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS),
            (pycurl.PIPEWAIT, int(self._multiplexes and not request.fresh)),
            (pycurl.TIMEOUT_MS, max(1, round(request.timeout_s * 1000))),
            (pycurl.HTTPHEADER, [_header_line(*header) for header in request.headers]),
            (pycurl.OPT_CERTINFO, 1),
        ]
        if self._ca_file:
            options.append((pycurl.CAINFO, self._ca_file))
        if self._proxy:
            options.append((pycurl.PROXY, self._proxy))
        else:
            options += [(pycurl.PROXY, ""), (pycurl.NOPROXY, "*")]
        if request.fresh:
            options += [
                (pycurl.FRESH_CONNECT, 1),
                (pycurl.FORBID_REUSE, 1),
                (pycurl.SSL_SESSIONID_CACHE, 0),
                (pycurl.DNS_CACHE_TIMEOUT, 0),
            ]
        return options

    def _answer(self, curl: pycurl.Curl, reception: Reception, failure: Failure | None) -> Answer:
        connection = curl.getinfo(pycurl.CONN_ID)
        fresh = curl.getinfo(pycurl.NUM_CONNECTS) > 0
        version = _HTTP_VERSIONS.get(curl.getinfo(pycurl.INFO_HTTP_VERSION), "")
        if version.startswith("HTTP/1"):
            self._multiplexes = False  # waiting for a shared connection would only cost time
        timing = _timing(curl)
        if fresh and connection >= 0 and timing.connect_s > 0:
            self._round_trips_s[connection] = timing.connect_s
        return Answer(
            status=curl.getinfo(pycurl.RESPONSE_CODE) or None,
            headers=reception.headers,
            body=b"".join(reception.chunks),
            http_version=version,
            address=_address(curl),
            connection=connection if connection >= 0 else None,
            fresh=fresh,
            sends=reception.sends,
            proxy=self._proxy,
            timing=_with_round_trip(timing, self._round_trips_s.get(connection, 0.0)),
            certificate=_certificate(curl) if fresh else None,
            failure=failure,
        )

    async def _failure(
        self, curl: pycurl.Curl, request: Request, code: int, message: str
    ) -> Failure:
        number = curl.getinfo(pycurl.OS_ERRNO)
        if code == pycurl.E_COULDNT_RESOLVE_HOST:
            return await _name_failure(request)
        if code == pycurl.E_COULDNT_CONNECT:
            kind = _connect_kind(number)
            return Failure(kind="proxy" if self._proxy else kind, detail=_reason(number, message))
        if code == pycurl.E_OPERATION_TIMEDOUT:
            return Failure(kind=_timeout_kind(curl, request), detail=f"{request.timeout_s:g} s")
        if code == pycurl.E_PEER_FAILED_VERIFICATION:
            return Failure(kind=_certificate_kind(curl, message), detail="")
        if code == pycurl.E_SSL_CONNECT_ERROR and number == errno.ECONNRESET:
            return Failure(kind="reset", detail="in the TLS handshake")
        kind = _FAILURE_KINDS.get(code, "reset" if code == _HTTP2_STREAM_ERROR else "protocol")
        return Failure(kind=kind, detail=message[:200])


class Reception:
    """What libcurl's callbacks gather for one request; none of them may raise."""

    def __init__(self, max_bytes: int, request: Request) -> None:
        self.headers: Headers = []
        self.chunks: list[bytes] = []
        self.sends = 0
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
            return
        name, colon, value = text.partition(":")
        if colon and name:
            self.headers.append((name, value.strip()))

    def allow_send(self, *_connection: object) -> int:
        """Count a send; refuse a second one of a request that must not be replayed."""
        if self.sends and not self._replayable:
            return int(pycurl.PREREQFUNC_ABORT)
        self.sends += 1
        self.headers.clear()
        self.chunks.clear()
        return int(pycurl.PREREQFUNC_OK)


def _header_line(name: str, value: str) -> bytes:
    # libcurl leaves a header out whose value is empty, unless it is written with a semicolon.
    return (f"{name}: {value}" if value else f"{name};").encode("latin-1", "replace")


def _tls_range(newest: str) -> int:
    limits: dict[str, int] = {
        "1.0": pycurl.SSLVERSION_MAX_TLSv1_0,
        "1.1": pycurl.SSLVERSION_MAX_TLSv1_1,
        "1.2": pycurl.SSLVERSION_MAX_TLSv1_2,
    }
    return int(pycurl.SSLVERSION_TLSv1_0) | limits[newest]


def _timing(curl: pycurl.Curl) -> Timing:
    def seconds(option: int) -> float:
        return float(curl.getinfo(option)) / 1e6

    name, connect, tls = (
        seconds(option)
        for option in (pycurl.NAMELOOKUP_TIME_T, pycurl.CONNECT_TIME_T, pycurl.APPCONNECT_TIME_T)
    )
    sent, first, total = (
        seconds(option)
        for option in (pycurl.PRETRANSFER_TIME_T, pycurl.STARTTRANSFER_TIME_T, pycurl.TOTAL_TIME_T)
    )
    return Timing(
        dns_s=name,
        connect_s=max(0.0, connect - name),
        tls_s=max(0.0, tls - connect) if tls else 0.0,
        wait_s=max(0.0, first - sent) if first else 0.0,
        receive_s=max(0.0, total - first) if first else 0.0,
        total_s=total,
    )


def _with_round_trip(timing: Timing, round_trip_s: float) -> Timing:
    return Timing(
        dns_s=timing.dns_s,
        connect_s=timing.connect_s,
        tls_s=timing.tls_s,
        wait_s=timing.wait_s,
        receive_s=timing.receive_s,
        total_s=timing.total_s,
        round_trip_s=round_trip_s,
    )


def _address(curl: pycurl.Curl) -> str:
    host, port = curl.getinfo(pycurl.PRIMARY_IP), curl.getinfo(pycurl.PRIMARY_PORT)
    return (f"[{host}]:{port}" if ":" in host else f"{host}:{port}") if host else ""


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


def _connect_kind(number: int) -> str:
    if number in _LOCAL_ERRORS:
        return "local"
    if number in _NO_ROUTE:
        return "unreachable"
    return "connect_timeout" if number == errno.ETIMEDOUT else "refused"


def _timeout_kind(curl: pycurl.Curl, request: Request) -> str:
    if not curl.getinfo(pycurl.NAMELOOKUP_TIME_T) and not curl.getinfo(pycurl.PRIMARY_IP):
        return "connect_timeout"
    if not curl.getinfo(pycurl.CONNECT_TIME_T):
        return "connect_timeout"
    if request.url.startswith("https:") and not curl.getinfo(pycurl.PRETRANSFER_TIME_T):
        return "tls_timeout"
    return "slow_body" if curl.getinfo(pycurl.STARTTRANSFER_TIME_T) else "silent"


def _certificate_kind(curl: pycurl.Curl, message: str) -> str:
    if "subject name" in message or "host name" in message or "hostname" in message:
        return "certificate_wrong_host"
    return _VERIFY_KINDS.get(curl.getinfo(pycurl.SSL_VERIFYRESULT), "certificate_untrusted")


async def _name_failure(request: Request) -> Failure:
    """Ask the resolver again: libcurl does not tell a missing name from a resolver in trouble."""
    host = urlsplit(request.url).hostname
    loop = asyncio.get_running_loop()
    try:
        await asyncio.wait_for(loop.getaddrinfo(host, None), 5)
    except TimeoutError:
        return Failure(kind="resolver", detail="no answer in 5 s")
    except socket.gaierror as error:
        missing = error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None))
        return Failure(kind="name_missing" if missing else "resolver", detail=error.strerror or "")
    return Failure(kind="resolver", detail="the name resolved only on a second try")


def _reason(number: int, message: str) -> str:
    return os.strerror(number).lower() if number else message[:200]


def _system_ca_file() -> str:
    named = os.environ.get("SSL_CERT_FILE", "")
    return next((path for path in (named, *_CA_FILES) if path and Path(path).is_file()), "")
