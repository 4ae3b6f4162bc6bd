"""Which IP addresses a name has, and at which of them something takes connections."""

from __future__ import annotations

import asyncio
import socket
from urllib.parse import urlsplit

from smokegate.client.transport import Address

_LONGEST_RESOLVING_S = 5.0
# Only to prefer the others: whoever takes longer is tried in earnest later.
_LONGEST_LOOK_S = 1.0


async def addresses_of(url: str) -> list[Address]:
    """Ask the system's resolver for a URL's host, and connect once to each of several addresses.

    Gives none where the name cannot be resolved: the requests themselves say why.
    """
    parts = urlsplit(url)
    ips = await resolved(parts.hostname or "")
    if len(ips) <= 1:
        return [Address(ip) for ip in ips]
    port = parts.port or (443 if parts.scheme == "https" else 80)
    accepted = await asyncio.gather(*(_accepts(ip, port) for ip in ips))
    return [Address(*each) for each in zip(ips, accepted, strict=True)]


async def resolved(host: str) -> list[str]:
    """Ask the system's resolver for a name's IP addresses; none where it cannot be resolved."""
    asked = asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    try:
        found = await asyncio.wait_for(asked, _LONGEST_RESOLVING_S)
    except (OSError, TimeoutError):
        return []
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def _accepts(ip: str, port: int) -> bool:
    try:
        opened = asyncio.open_connection(ip, port)
        _, writer = await asyncio.wait_for(opened, _LONGEST_LOOK_S)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
