"""The transport over HTTP/2: one connection for all, and what is lost with it."""

from __future__ import annotations

import asyncio

import pytest
from smokegate.client.transport import Answer
from smokegate.fault_proxy.certificates import Certificates

from tests.gate.curl_requests import Curl, curl
from tests.gate.http2_server import Asked, Fate, serving_http2


async def at_once(client: Curl, *methods: str) -> list[Answer]:
    return await asyncio.gather(
        *(client.send(method, body=b"x" if method == "POST" else None) for method in methods)
    )


async def test_requests_at_once_share_the_first_connection(certificates: Certificates) -> None:
    """All of them are under way together, although none was answered before."""
    async with (
        serving_http2(certificates.good().context(), together=25) as server,
        curl(server.url, ca_file=certificates.ca_file) as client,
    ):
        answers = await at_once(client, *["GET"] * 25)
    assert server.connections == 1
    assert [answer.status for answer in answers] == [200] * 25
    assert {answer.http_version for answer in answers} == {"HTTP/2"}
    assert len({answer.connection for answer in answers}) == 1
    assert sum(answer.fresh for answer in answers) == 1


async def test_a_fresh_connection_is_shared_by_nobody(certificates: Certificates) -> None:
    async with (
        serving_http2(certificates.good().context()) as server,
        curl(server.url, ca_file=certificates.ca_file) as client,
    ):
        kept = await client.send()
        fresh, *others = await asyncio.gather(
            client.send(fresh=True), *(client.send() for _ in range(5))
        )
    assert server.connections == 2
    assert fresh.fresh
    assert fresh.connection != kept.connection
    assert {answer.connection for answer in others} == {kept.connection}


@pytest.mark.parametrize("how", ["reset", "stream reset", "refused", "going away"])
async def test_no_write_is_sent_again_when_its_connection_dies(
    how: Fate, certificates: Certificates
) -> None:
    """Streams that a server refuses are the ones that libcurl would send again most readily."""
    writes, reads = ["POST"] * 4, ["GET"] * 3

    def fate(asked: Asked) -> Fate:
        return how if asked.connection == 1 and len(server.asked) > 1 else "answered"

    async with (
        serving_http2(certificates.good().context(), fate) as server,
        curl(server.url, ca_file=certificates.ca_file) as client,
    ):
        kept = await client.send()
        server.barrier = asyncio.Barrier(len(writes) + len(reads))
        answers = await at_once(client, *writes, *reads)
    lost = answers[: len(writes)]
    assert server.count("POST") == len(writes)
    assert [(answer.status, answer.sends) for answer in lost] == [(None, 1)] * len(writes)
    # Whatever was lost with one connection is one incident.
    assert {answer.connection for answer in lost} == {kept.connection}
    for answer in answers[len(writes) :]:
        assert (answer.status, answer.sends) in ((200, 2), (None, 1))
