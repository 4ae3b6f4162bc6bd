"""What passed through the proxy: enough to count, digests instead of bodies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from smokegate.fault_proxy.faults import Fault
from smokegate.fault_proxy.messages import Headers, Request

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


@dataclass(frozen=True)
class SeenRequest:
    """A request as one side saw it; `connection` is the number of that side's connection."""

    number: int
    connection: int
    method: str
    target: str
    headers: Headers
    body_sha256: str

    @classmethod
    def of(cls, request: Request, connection: int) -> SeenRequest:
        """Record a request as it went over the connection of this number."""
        return cls(
            number=request.number,
            connection=connection,
            method=request.method,
            target=request.target,
            headers=request.headers,
            body_sha256=request.body_sha256,
        )

    def header(self, name: str) -> str | None:
        """Return the first value of a header, whatever its letter case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True)
class Strike:
    """One time that a fault was acted out; `request` is None when it struck a connection."""

    fault: Fault
    connection: int
    request: int | None = None


@dataclass
class Record:
    """Everything seen since the proxy opened, in order.

    `received` holds what clients sent to the proxy, `forwarded` what the proxy sent on: entered
    before its first byte left, because the upstream may act on a request that later breaks.
    `upstream_failures` says why the proxy had to answer 502 on its own.
    """

    received: list[SeenRequest] = field(default_factory=list)
    forwarded: list[SeenRequest] = field(default_factory=list)
    strikes: list[Strike] = field(default_factory=list)
    upstream_failures: list[str] = field(default_factory=list)

    def times_acted(self, fault: Fault) -> int:
        """Return how often this fault was acted out; an edit that changed nothing is not."""
        return sum(strike.fault is fault for strike in self.strikes)


WriteKey = tuple[str, str, str, tuple[str | None, ...]]


def count_writes(seen: Iterable[SeenRequest], *headers: str) -> Counter[WriteKey]:
    """Count equal writes: same method, target, body and values of the named headers.

    A count above one is a write that arrived again.
    """
    return Counter(
        (
            request.method,
            request.target,
            request.body_sha256,
            tuple(request.header(name) for name in headers),
        )
        for request in seen
        if request.method not in SAFE_METHODS
    )
