"""How the target stands to this place: whether it has let us in, and what control addresses say."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from smokegate.client.control import Controls
from smokegate.client.transport import Answer, Request
from smokegate.client.whose import AMBIGUOUS, Place
from smokegate.settings import Settings

# A failure of any other kind can only come after the target took the connection.
_NOT_LET_IN = AMBIGUOUS | {"local", "proxy", "tls_not_offered", "queued", "deadline", "abandoned"}
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Standing:
    """What one run knows of it.

    `let_in_from` are our own addresses from which a connection to the target has succeeded, in
    this run or before it: another address of ours (a VPN that is off) is another place.
    """

    def __init__(self, settings: Settings, known: frozenset[str] = frozenset()) -> None:
        self.let_in_from = set(known)
        self._origin = origin(settings.url)
        self._controls = Controls(settings.control_addresses)

    async def place_of(self, request: Request, answer: Answer) -> Place:
        """Learn from an answer, and say what is known about the place that it was sent from.

        Only the target's own origin counts, and no proxy: another port, or whoever stands in
        between, lets in whom it likes. The controls are asked only where it may be our network.
        """
        if answer.proxy or origin(request.url) != self._origin:
            return Place()
        if any(map(_is_loopback, answer.sources)):
            return Place(lets_in=True)  # no network lies in between that could be in trouble
        failure = answer.failure
        if answer.status is not None or (failure and failure.kind not in _NOT_LET_IN):
            self.let_in_from.update(answer.sources)
        lets_in = not self.let_in_from.isdisjoint(answer.sources)
        if failure is None or failure.kind not in AMBIGUOUS or request.address:
            return Place(lets_in)
        return Place(lets_in, await self._controls.ask())


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Give scheme, host and port of a URL (RFC 6454, 4)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback
