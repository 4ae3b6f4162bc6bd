"""Logins that failed, by where they came from: whoever guesses has to wait."""

from __future__ import annotations

from collections import OrderedDict, deque
from ipaddress import IPv6Address, ip_address

MOST = 5
WITHIN_S = 60.0
_REMEMBERED = 10_000
_PREFIX_BITS = 64  # what one household has of IPv6


class Attempts:
    """Counts failures; five within a minute are too many, and others are not kept from trying."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, address: str, now_s: float) -> float:
        """How long an address has to wait until it may try again; 0 if it may."""
        failed = self._failed.get(_origin(address))
        if failed is None or len(failed) < MOST:
            return 0.0
        return max(0.0, failed[0] + WITHIN_S - now_s)

    def failed(self, address: str, now_s: float) -> None:
        """Note a failure; the addresses that failed longest ago are forgotten first."""
        origin = _origin(address)
        self._failed.setdefault(origin, deque(maxlen=MOST)).append(now_s)
        self._failed.move_to_end(origin)
        if len(self._failed) > _REMEMBERED:
            self._failed.popitem(last=False)


def _origin(address: str) -> str:
    """The network of an IPv6 address, in which one can have as many addresses as one likes."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(int(parsed) >> _PREFIX_BITS)
    return address
