"""Control addresses: hosts that ought to answer tell the runner's network from the target's."""

from __future__ import annotations

import asyncio
import ipaddress
import math
import socket
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from smokegate.client.system_errors import connect_kind, name_kind

ANSWERS = "answers"
_LIMIT_S = 3.0
# Checks that fail together share an answer; a network that fails later is asked about again.
_GOOD_FOR_S = 10.0
# Of a name's addresses, what the first of these says of them all.
_MOST_TELLING = (ANSWERS, "refused", "connect_timeout", "unreachable", "local")


class Control(NamedTuple):
    """What came of connecting to a control address: `ANSWERS`, or a key of `trouble.WORDS`."""

    address: str
    result: str

    @property
    def is_named(self) -> bool:
        """Whether its host is a name, which has to be resolved first."""
        try:
            ipaddress.ip_address(urlsplit(f"//{self.address}").hostname or "")
        except ValueError:
            return True
        return False


class Controls:
    """The control addresses of one run."""

    def __init__(self, addresses: tuple[str, ...]) -> None:
        self._addresses = addresses
        self._asking: asyncio.Future[list[Control]] | None = None
        self._asked_at = -math.inf

    async def ask(self) -> tuple[Control, ...]:
        """Connect to each, side by side, within three seconds; an answer holds for ten."""
        now = asyncio.get_running_loop().time()
        if self._asking is None or now >= self._asked_at + _GOOD_FOR_S:
            self._asked_at = now
            self._asking = asyncio.gather(*map(_ask, self._addresses))
        return tuple(await asyncio.shield(self._asking))


async def _ask(address: str) -> Control:
    parts = urlsplit(f"//{address}")
    asked = asyncio.get_running_loop().getaddrinfo(
        parts.hostname, parts.port, type=socket.SOCK_STREAM
    )
    try:
        found = await asyncio.wait_for(asked, _LIMIT_S)
    except TimeoutError:
        return Control(address, "resolver")
    except socket.gaierror as error:
        return Control(address, name_kind(error))
    results = await asyncio.gather(*map(_connect, found))
    return Control(address, min(results, key=_MOST_TELLING.index))


async def _connect(found: Any) -> str:
    """Connect to one of the addresses that a name was resolved to."""
    family, kind, protocol, _, address = found
    try:
        with socket.socket(family, kind, protocol) as tried:
            tried.setblocking(False)
            async with asyncio.timeout(_LIMIT_S):
                await asyncio.get_running_loop().sock_connect(tried, address)
    except TimeoutError:
        return "connect_timeout"
    except OSError as error:
        return connect_kind(error.errno or 0)
    return ANSWERS
