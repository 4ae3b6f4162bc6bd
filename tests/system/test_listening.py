"""What our servers listen on: small replies leave at once."""

from __future__ import annotations

import socket
from collections.abc import Callable

import lattice.server
import pytest
import smokegate.service.server


@pytest.mark.parametrize(
    "listen",
    [lattice.server.listen, smokegate.service.server.listen],
    ids=["lattice", "smokegate serve"],
)
def test_no_body_waits_for_its_head_to_be_acknowledged(
    listen: Callable[[str, int], socket.socket],
) -> None:
    with listen("127.0.0.1", 0) as listening:
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
