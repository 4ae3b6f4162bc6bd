"""What a browser keeps of a login, and what a form must bring: signed, and nothing is stored here.

Both are signed with HMAC-SHA256 (RFC 2104). A session ends after twelve hours, or when the token is
changed, which changes the key.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from typing import NamedTuple

import msgspec

SESSION_S = 12 * 3_600


class Session(NamedTuple):
    """Who logged in, until when; `nonce` sets apart what else is the same."""

    name: str
    until_s: int
    nonce: str


class Signer:
    """Signs with a key that is made of a secret."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"smokegate serve", "sha256")

    def session(self, name: str, now_s: float) -> str:
        """A new session, as a cookie holds it."""
        made = Session(name, int(now_s) + SESSION_S, secrets.token_urlsafe(12))
        told = _encoded(msgspec.json.encode(made))
        return f"{told}.{self._signature('session', told)}"

    def opened(self, cookie: str, now_s: float) -> Session | None:
        """The session that a cookie holds; None if we did not make it, or if it is over."""
        told, _, signature = cookie.partition(".")
        if not is_same(signature, self._signature("session", told)):
            return None
        session = msgspec.json.decode(_decoded(told), type=Session)
        return session if now_s < session.until_s else None

    def form_token(self, owner: str) -> str:
        """What proves that a form came from a page that was made for its owner."""
        return self._signature("form", owner)

    def _signature(self, purpose: str, text: str) -> str:
        return _encoded(hmac.digest(self._key, _bytes(f"{purpose}:{text}"), "sha256"))


def is_same(given: str, secret: str) -> bool:
    """Whether somebody gave a secret, which is not empty; how long it takes tells nothing."""
    return bool(secret) and hmac.compare_digest(_bytes(given), _bytes(secret))


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
