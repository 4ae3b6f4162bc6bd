"""Who a request comes from, and what they may do.

Without a token and without a proxy that logs users in, everybody may read and nobody may write.
With either, reading asks for a login as well unless it is public.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from smokegate.service.access.attempts import Attempts
from smokegate.service.access.sessions import Signer, is_same
from smokegate.service.arguments import Network

COOKIE = "smokegate_session"
_NAME_CHARS = 200


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What `serve` was told; `proxies` are believed what they say of a request."""

    token: str = ""
    user_header: str = ""
    proxies: tuple[Network, ...] = ()
    public_read: bool = False

    @property
    def ask(self) -> bool:
        """Whether there is a way to log in."""
        return bool(self.token or self.user_header)


class Visitor(NamedTuple):
    """Somebody who asks; `name` is empty where it is not known.

    `form_token` is what their forms must bring; who has none writes by the API alone.
    """

    name: str
    may_read: bool
    may_write: bool
    form_token: str = ""
    has_session: bool = False


NOBODY = Visitor("", may_read=False, may_write=False)


class Doorkeeper:
    """Tells who is there, and lets in who has the token."""

    def __init__(self, rules: Rules, clock: Callable[[], float]) -> None:
        self.rules = rules
        self._clock = clock
        self._attempts = Attempts()
        self._signer = Signer(rules.token or secrets.token_hex())

    def visitor(self, request: HTTPConnection) -> Visitor:
        """Who a request comes from.

        Raises `HTTPException` for a token that is wrong, and for one guess too many.
        """
        user, token = self._user(request), _bearer(request)
        if user:
            return self._known(user, f"user:{user}")
        if token is not None:
            return self.bearer(request, token)
        session = self._signer.opened(request.cookies.get(COOKIE, ""), self._clock())
        if session:
            return self._known(session.name, f"session:{session.nonce}", has_session=True)
        open_to_all = self.rules.public_read or not self.rules.ask
        return Visitor("", may_read=open_to_all, may_write=False)

    def bearer(self, request: HTTPConnection, token: str) -> Visitor:
        """Who has the token, whatever it came in.

        Raises `HTTPException` as `visitor` does.
        """
        self._verify(request, token)
        return Visitor("", may_read=True, may_write=True)

    def log_in(self, request: HTTPConnection, token: str, name: str) -> str:
        """The cookie of a new session.

        Raises `HTTPException` as `visitor` does.
        """
        self._verify(request, token)
        return self._signer.session(name.strip()[:_NAME_CHARS], self._clock())

    def _known(self, name: str, owner: str, *, has_session: bool = False) -> Visitor:
        form_token = self._signer.form_token(owner)
        return Visitor(name, True, True, form_token, has_session)

    def _verify(self, request: HTTPConnection, token: str) -> None:
        address, now_s = self._address(request), self._clock()
        wait_s = self._attempts.wait_s(address, now_s)
        if wait_s:
            raise HTTPException(
                HTTPStatus.TOO_MANY_REQUESTS,
                "Too many logins failed; try again in a minute.",
                headers={"Retry-After": str(math.ceil(wait_s))},
            )
        if not is_same(token, self.rules.token):
            self._attempts.failed(address, now_s)
            raise HTTPException(
                HTTPStatus.UNAUTHORIZED,
                "That is not the token.",
                headers={"WWW-Authenticate": "Bearer"},
            )

    def _user(self, request: HTTPConnection) -> str:
        """Whom a proxy has logged in; nobody else may say so, and it says so once."""
        if not self.rules.user_header or not self._is_proxy(_peer(request)):
            return ""
        said = request.headers.getlist(self.rules.user_header)
        return _readable(said[0]).strip()[:_NAME_CHARS] if len(said) == 1 else ""

    def _address(self, request: HTTPConnection) -> str:
        """Where a request comes from: behind proxies, what the outermost of ours saw."""
        address = _peer(request)
        said = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        while said and said[-1].strip() and self._is_proxy(address):
            address = said.pop().strip()
        return address

    def _is_proxy(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self.rules.proxies)


def _peer(request: HTTPConnection) -> str:
    return request.client.host if request.client else ""


def _bearer(request: HTTPConnection) -> str | None:
    """The token of RFC 6750, 2.1; other credentials are some proxy's."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _readable(header: str) -> str:
    """A header's text: proxies send UTF-8, and Starlette reads Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header
