"""Where a request comes from, as far as limits are concerned.

Behind a proxy that is trusted (`LATTICE_TRUSTED_PROXIES`) the server has put the forwarded address
here already; what anyone else writes into `X-Forwarded-For` is not looked at.
"""

from ipaddress import IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

# Who is given one address of such a network is given all of it (RFC 6177).
IPV6_PREFIX = 64


def client_address(scope: Scope) -> str:
    """Return the address that a request comes from, of IPv6 its network."""
    client = scope.get("client")
    return _one_client(client[0]) if client else "unknown"


def _one_client(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), IPV6_PREFIX), strict=False))
