from typing import Any

import pytest
from lattice.security.addresses import client_address


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_client_is_an_address_or_a_network_of_ipv6(host: str, address: str) -> None:
    assert client_address({"client": (host, 1)}) == address


@pytest.mark.parametrize("scope", [{}, {"client": None}])
def test_where_none_is_known_all_are_one(scope: dict[str, Any]) -> None:
    assert client_address(scope) == "unknown"
