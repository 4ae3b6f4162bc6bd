"""The seam to the network: one request in, one answer out, whatever happened.

A transport never raises for what the network or the target did; it says so in the answer. Faults
and recordings enter here.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec

from smokegate.results import Certificate, Timing

Headers = list[tuple[str, str]]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to send.

    `fresh` demands a connection of its own: no kept one, no TLS session, no cached address.
    `replayable` allows that a kept connection which dies is replaced and the request sent again.
    `tls_max` ("1.1") caps the TLS version on offer, to learn whether an old one is accepted.
    `address` is the one of the target's IP addresses to connect to, empty for any. `owner` says
    whose request it is, for those who keep a record.
    """

    method: str
    url: str
    headers: Headers
    body: bytes | None = None
    timeout_s: float = 30.0
    fresh: bool = False
    replayable: bool = False
    tls_max: str = ""
    address: str = ""
    owner: str = ""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no whole reply, in the transport's own terms.

    `kind` is a key of `trouble.WORDS`; `detail` is the library's message.
    """

    kind: str
    detail: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: a reply, or the failure that took its place.

    `body` is as received on the wire, still compressed. `sends` counts how often the request was
    put on a connection: 0 means that the target cannot have seen it. `sources` are our own
    addresses: of the connection, or of the routes on which none came about.
    """

    status: int | None = None
    headers: Headers = []
    body: bytes = b""
    http_version: str = ""
    address: str = ""
    connection: int | None = None
    fresh: bool = False
    sends: int = 0
    proxy: str = ""
    sources: tuple[str, ...] = ()
    timing: Timing = Timing()
    certificate: Certificate | None = None
    failure: Failure | None = None


class Address(NamedTuple):
    """One of a host's IP addresses, and whether something took a connection there at once.

    A host's only address is not tried before it is needed.
    """

    ip: str
    accepts: bool = True


class Transport(Protocol):
    """Sends requests; closed once, at the end of the run."""

    async def send(self, request: Request) -> Answer:
        """Send one request and wait for its answer, at most `request.timeout_s`."""
        ...

    async def resolve(self, url: str) -> list[Address]:
        """Give the IP addresses of a URL's host; none if they are not known here."""
        ...

    async def close(self) -> None:
        """Drop every connection."""
        ...
