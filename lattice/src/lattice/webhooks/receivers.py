"""Where deliveries may go."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import httpx2

URL_CHARACTERS_MAX = 2048
# All that is given out as public: what wraps another address (mapped, NAT64) is outside.
PUBLIC_IPV6 = ip_network("2000::/3")
# Beyond what `ipaddress` knows, or does not know in every version of Python.
NOT_PUBLIC = tuple(
    ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # relays of 6to4
        "2001::/23",  # protocol assignments, Teredo among them
        "2002::/16",  # 6to4, which wraps an IPv4 address
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
)


def check_url(text: str) -> str:
    """Return the address of a receiver as it is; raises `ValueError` with words if it is none."""
    if any(character <= " " or character == "\x7f" for character in text):
        raise ValueError("a URL has no spaces or control characters")
    try:
        text.encode()
        parts, url = urlsplit(text), httpx2.URL(text)
        port = parts.port
    except (ValueError, httpx2.InvalidURL) as error:
        raise ValueError(f"not a URL: {error}") from error
    if port == 0:
        raise ValueError("a URL cannot name port 0")
    if parts.scheme not in {"http", "https"}:
        raise ValueError("a URL begins with http:// or https://")
    if not url.host:
        raise ValueError("a URL names a host")
    if url.userinfo:
        raise ValueError("a URL with a name or password would show it to everyone who reads it")
    return text


def find_objection(url: str) -> str | None:
    """Return why nothing is delivered there where only public receivers are allowed, or None.

    Only what is written is judged: where a name leads is known when it is connected to.
    """
    parts = httpx2.URL(url)
    if parts.scheme != "https":
        return "deliveries are sent over https only"
    return "deliveries are not sent to private addresses" if _is_private(parts.host) else None


def _is_private(host: str) -> bool:
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not is_public(ip_address(name))
    except ValueError:
        return False


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is one host on the Internet, and wraps no other address."""
    if address.version == PUBLIC_IPV6.version and address not in PUBLIC_IPV6:
        return False
    is_reserved = any(address in network for network in NOT_PUBLIC)
    return address.is_global and not address.is_multicast and not is_reserved
