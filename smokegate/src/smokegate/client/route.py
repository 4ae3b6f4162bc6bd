"""Our own address on the way to another: it tells one place from the next."""

from __future__ import annotations

import socket

_ANY_PORT = 9  # nothing is sent to it


def source_of(address: str) -> str:
    """The local address of the route to an IP address; empty if there is none.

    Connecting a datagram socket asks the system for the route and sends nothing.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((address, _ANY_PORT))
            return str(asking.getsockname()[0])
    except OSError:
        return ""
