"""Faults between proxy and upstream: other requests, other upstreams, replies of our own, delay."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from smokegate.fault_proxy.faults import Action
from smokegate.fault_proxy.messages import Headers, Reply, Request
from smokegate.fault_proxy.upstream_link import Upstream


@dataclass(frozen=True)
class EditRequest(Action):
    """Send the upstream what `edit` makes of the request; it must keep the numbers."""

    edit: Callable[[Request], Request]


@dataclass(frozen=True)
class SendTo(Action):
    """Ask another upstream: with an occasion per connection, one replica of several."""

    upstream: Upstream


@dataclass(frozen=True)
class Latency(Action):
    """Reply later: by `seconds`, and by `factor` times as long as the upstream took."""

    seconds: float = 0.0
    factor: float = 1.0

    def delay_s(self, upstream_took_s: float) -> float:
        """Return how long to wait once the upstream has replied."""
        return self.seconds + upstream_took_s * (self.factor - 1.0)


class Substitute(Action):
    """A reply in place of the upstream's, which never sees the request."""

    @abstractmethod
    def reply(self, request: Request) -> Reply:
        """Return the reply."""


@dataclass(frozen=True)
class Answer(Substitute):
    """Always this reply."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Headers = ()

    def reply(self, request: Request) -> Reply:
        headers = (("Content-Type", self.content_type), *self.headers)
        return Reply(status=self.status, headers=headers, body=self.body)


@dataclass(frozen=True)
class Redirect(Substitute):
    """Send the client elsewhere; `{target}` in the location is the path and query asked for.

    A path alone stays on the origin: give the fault a `path` that the new one does not match.
    """

    location: str
    status: int = 307

    def reply(self, request: Request) -> Reply:
        location = self.location.replace("{target}", request.target)
        return Reply(status=self.status, headers=(("Location", location),))
