"""Our own address on the way to another."""

from __future__ import annotations

import pytest
from smokegate.client.route import source_of


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2"])
def test_to_this_machine_the_source_is_loopback(address: str) -> None:
    assert source_of(address).startswith("127.")


def test_without_a_route_there_is_no_source() -> None:
    assert source_of("fe80::1%no-such-interface") == ""
