"""One request and one reply, whole and frozen: what faults look at and change."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

Headers = tuple[tuple[str, str], ...]

NO_BODY_STATUSES = frozenset({204, 304})


@dataclass(frozen=True, kw_only=True)
class Message:
    """Headers, in the order and letter case of the wire, and a body without its framing."""

    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the first value of a header, whatever its letter case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def with_header(self, name: str, value: str) -> Self:
        """Return a copy with exactly one such header, where the first one stood or last."""
        here = [i for i, (key, _) in enumerate(self.headers) if key.lower() == name.lower()]
        place = here[0] if here else len(self.headers)
        kept = self.without_header(name).headers
        return replace(self, headers=(*kept[:place], (name, value), *kept[place:]))

    def with_added_header(self, name: str, value: str) -> Self:
        """Return a copy with one more header, even where one of that name is there."""
        return replace(self, headers=(*self.headers, (name, value)))

    def without_header(self, *names: str) -> Self:
        """Return a copy without any header of these names."""
        gone = {name.lower() for name in names}
        kept = tuple((key, value) for key, value in self.headers if key.lower() not in gone)
        return replace(self, headers=kept)

    def with_header_names(self, rename: Callable[[str], str]) -> Self:
        """Return a copy with every header's name put through `rename`."""
        return replace(self, headers=tuple((rename(key), value) for key, value in self.headers))

    def with_body(self, body: bytes) -> Self:
        """Return a copy with this body; its length is framed when it is sent."""
        return replace(self, body=body)

    @property
    def body_sha256(self) -> str:
        """The digest of the body, in hexadecimal."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Request(Message):
    """A request as the client sent it.

    `number` counts the proxy's requests, `connection` its connections and `position` the
    requests of that connection, all from 1; `target` is path and query.
    """

    method: str
    target: str
    number: int = 0
    connection: int = 0
    position: int = 0


@dataclass(frozen=True, kw_only=True)
class Reply(Message):
    """A reply; an empty `reason` stays empty on the wire."""

    status: int
    reason: str = ""

    def framed(self, method: str) -> Reply:
        """Return a copy whose Content-Length is that of its body, or none where none may be."""
        bare = self.without_header("Transfer-Encoding")
        if method == "HEAD" or self.status in NO_BODY_STATUSES:
            return bare.with_body(b"")
        name = next((k for k, _ in self.headers if k.lower() == "content-length"), "Content-Length")
        return bare.with_header(name, str(len(self.body)))
