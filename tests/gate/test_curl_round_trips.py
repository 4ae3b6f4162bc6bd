"""The round trip that is taken off the wait, when a packet is lost while connecting."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
from smokegate.client.transport import Answer
from smokegate.fault_proxy.certificates import Certificates
from smokegate.results import Timing

from tests.gate.curl_requests import Curl, curl
from tests.gate.raw_server import always, reply, serving

SOCKETS, SYN_SENT = Path("/proc/net/tcp"), "02"
RETRANSMITTED_S = 0.9  # the system repeats a lost SYN after a second (RFC 6298, 2.1)

pytestmark = pytest.mark.skipif(not SOCKETS.exists(), reason="needs Linux's table of sockets")


class Door:
    """A listening socket that drops every SYN until it is opened."""

    def __init__(self, stack: ExitStack) -> None:
        self.socket = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        self.port: int = self.socket.getsockname()[1]
        self._waiting = [stack.enter_context(socket.socket()) for _ in range(8)]
        for each in self._waiting:
            each.setblocking(False)
            each.connect_ex(self.socket.getsockname())

    def knocking(self) -> int:
        """How many connections wait for the answer to a SYN."""
        there = f":{self.port:04X} {SYN_SENT} "
        return SOCKETS.read_text().count(there)

    def open(self) -> None:
        for each in self._waiting:
            each.close()
        self.socket.listen(100)


@asynccontextmanager
async def first_syn_lost(
    certificates: Certificates, *, tls: bool
) -> AsyncIterator[tuple[Curl, Answer]]:
    """Give a transport whose first connect lost a packet, with the answer on it."""
    scheme = "https" if tls else "http"
    with ExitStack() as stack:
        door = Door(stack)
        before = door.knocking()
        ca_file = certificates.ca_file
        async with curl(f"{scheme}://127.0.0.1:{door.port}", ca_file=ca_file) as client:
            sending = asyncio.create_task(client.send())
            while door.knocking() == before:  # noqa: ASYNC110 - the kernel tells nobody
                await asyncio.sleep(0.01)
            door.open()
            context = certificates.good().context() if tls else None
            async with serving(always(reply()), context, at=door.socket):
                yield client, await sending


async def test_a_lost_syn_is_not_taken_for_a_long_way(certificates: Certificates) -> None:
    async with first_syn_lost(certificates, tls=False) as (client, first):
        assert first.timing.connect_s > RETRANSMITTED_S
        fresh, kept = await client.send(fresh=True), await client.send()
    assert first.connection == kept.connection
    assert fresh.timing.round_trip_s == kept.timing.round_trip_s < RETRANSMITTED_S


async def test_the_shortest_counts_and_not_the_last() -> None:
    async with curl("http://127.0.0.1:1") as client:
        for connect_s in (0.02, 0.01, 1.0):
            client.transport._note_round_trip("192.0.2.1:443", Timing(connect_s=connect_s))
        assert client.transport._round_trips_s == {"192.0.2.1:443": 0.01}


async def test_a_handshake_shows_at_once_that_the_way_is_shorter(
    certificates: Certificates,
) -> None:
    async with first_syn_lost(certificates, tls=True) as (_, first):
        assert first.timing.connect_s > RETRANSMITTED_S
        assert 0 < first.timing.round_trip_s < RETRANSMITTED_S
