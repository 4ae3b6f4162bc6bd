"""What a failure of libcurl comes to: a kind of trouble, told from the next by how far it got.

libcurl has one code for several causes and several codes for one, so the error number of the
system, the phase that was reached and whether anything was sent decide along with it.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import NamedTuple
from urllib.parse import urlsplit

import pycurl

from smokegate.client.system_errors import connect_kind, name_kind
from smokegate.client.transport import Failure, Request

# OpenSSL's X509_V_ERR_ codes; every other one says that the chain is not trusted.
_VERIFY_KINDS = {9: "certificate_not_yet_valid", 10: "certificate_expired"}
_FAILURE_KINDS = {
    pycurl.E_COULDNT_RESOLVE_PROXY: "proxy",
    pycurl.E_GOT_NOTHING: "empty",
    pycurl.E_SEND_ERROR: "reset",
    pycurl.E_HTTP2: "reset",
    92: "reset",  # CURLE_HTTP2_STREAM, which pycurl does not name
    pycurl.E_PARTIAL_FILE: "truncated",
    pycurl.E_WRITE_ERROR: "too_large",
    100: "too_large",  # CURLE_TOO_LARGE: a header line; pycurl does not name it
    pycurl.E_ABORTED_BY_CALLBACK: "lost",
    pycurl.E_SSL_CONNECT_ERROR: "tls",
    pycurl.E_OUT_OF_MEMORY: "local",
    pycurl.E_FAILED_INIT: "local",
}
# OpenSSL's reasons for not even beginning a handshake.
_NOT_OFFERED = (
    "no protocols available",
    "no ciphers available",
    "no suitable digest algorithm",
)
# Codes that say something about the target even when a proxy stands between.
_THROUGH_A_PROXY = {pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CONNECT_ERROR}


class Circumstances(NamedTuple):
    """What the transport knows of a request that failed and libcurl does not tell."""

    request: Request
    sent: bool
    proxied: bool
    queued: bool  # there were more requests under way than connections are allowed
    multiplexes: bool


async def failure_of(  # noqa: PLR0911 - one return for each cause
    curl: pycurl.Curl, error: pycurl.error, seen: Circumstances
) -> Failure:
    """Give the kind of a failure with what is known of it."""
    code, message = error.args[0], str(error.args[1])
    number = curl.getinfo(pycurl.OS_ERRNO)
    if seen.proxied and not seen.sent and code not in _THROUGH_A_PROXY:
        return Failure(kind="proxy", detail=_reason(number, message))
    if code == pycurl.E_COULDNT_RESOLVE_HOST:
        return await _name_failure(seen.request)
    if code == pycurl.E_COULDNT_CONNECT:
        return Failure(kind=connect_kind(number), detail=_reason(number, message))
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return Failure(kind=timeout_kind(curl, seen), detail=f"{seen.request.timeout_s:g} s")
    if code == pycurl.E_PEER_FAILED_VERIFICATION:
        return Failure(kind=_certificate_kind(curl, message), detail="")
    if code == pycurl.E_RECV_ERROR:
        return Failure(kind=_receive_kind(number, message), detail=message[:200])
    if code == pycurl.E_SSL_CONNECT_ERROR and any(each in message for each in _NOT_OFFERED):
        return Failure(kind="tls_not_offered", detail=message[:200])
    if code == pycurl.E_SSL_CONNECT_ERROR and number == errno.ECONNRESET:
        return Failure(kind="reset", detail="in the TLS handshake")
    # What fails before anything is sent, and is none of the above, is of our own making.
    otherwise = "protocol" if seen.sent else "local"
    return Failure(kind=_FAILURE_KINDS.get(code, otherwise), detail=message[:200])


def timeout_kind(curl: pycurl.Curl, seen: Circumstances) -> str:
    """The kind of a timeout, by how far the request had got."""
    if seen.sent:
        return "slow_body" if curl.getinfo(pycurl.STARTTRANSFER_TIME_T) else "silent"
    if curl.getinfo(pycurl.CONNECT_TIME_T):
        return "tls_timeout"
    # What multiplexes lets requests wait for a connection that another one opens.
    waits = seen.multiplexes and not seen.request.fresh
    if curl.getinfo(pycurl.NAMELOOKUP_TIME_T) or waits:
        return "connect_timeout"
    return "queued" if seen.queued else "resolver"


def _receive_kind(number: int, message: str) -> str:
    if message.startswith("Too large"):
        return "too_large"
    return "reset" if number or "SSL" in message else "protocol"


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
        return Failure(kind=name_kind(error), detail=error.strerror or "")
    return Failure(kind="resolver", detail="the name resolved only on a second try")


def _reason(number: int, message: str) -> str:
    return os.strerror(number).lower() if number else message[:200]
