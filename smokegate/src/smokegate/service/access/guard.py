"""What holds for every request and every reply, before anybody is asked who they are."""

from __future__ import annotations

from collections.abc import Callable, Collection
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Refuse = Callable[[Request, HTTPException], Response]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    # Without any referrer, browsers do not say the origin of a form, which is looked at below.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, 9.2.1
_NOT_OURS = "This server does not answer to that name; --allowed-host would let it."
_CROSS_SITE = "This came from a page of another site, so nothing was done."


class Guard:
    """Refuses what another site makes a browser send, and completes the headers of replies.

    `hosts` are the names that are answered to; None is any.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None, refuse: Refuse) -> None:
        self._app = app
        self._hosts = hosts
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        request = Request(scope)
        flaw = self._flaw(request)
        app = self._refuse(request, flaw) if flaw else self._app
        await app(scope, receive, completed)

    def _flaw(self, request: Request) -> HTTPException | None:
        if self._hosts is not None and not is_ours(request.headers.get("host", ""), self._hosts):
            return HTTPException(HTTPStatus.MISDIRECTED_REQUEST, _NOT_OURS)
        if request.method not in _SAFE and is_cross_site(request.headers):
            return HTTPException(HTTPStatus.FORBIDDEN, _CROSS_SITE)
        return None


def is_ours(host: str, names: Collection[str]) -> bool:
    """Whether a Host is one of some names, an address, or localhost.

    A site can let a name of its own lead to this machine, so that a browser here takes it for that
    site (DNS rebinding), but it has no address here.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name in names or name == "localhost" or name.endswith(".localhost") or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        return bool(ip_address(name))
    except ValueError:
        return False


def is_cross_site(headers: Headers) -> bool:
    """Whether a browser says that a page of another origin made it send this.

    As `CrossOriginProtection` of Go's net/http decides: browsers send Sec-Fetch-Site where they
    trust the connection and Origin elsewhere; what sends neither is none, and has no cookies.
    """
    site = headers.get("sec-fetch-site")
    if site:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")
