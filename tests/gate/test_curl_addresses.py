"""Which of a name's addresses is connected to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from smokegate.client import addresses
from smokegate.client.transport import Request

from tests.gate.curl_requests import curl

SEVERAL = ["127.0.0.1", "127.0.0.2", "::1"]


@asynccontextmanager
async def serving_on(*addresses: str) -> AsyncIterator[int]:
    """Listen on several addresses with one port; each answers with itself and the Host it got."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        host = head.lower().partition(b"host: ")[2].partition(b"\r\n")[0]
        body = f"{writer.get_extra_info('sockname')[0]} ".encode() + host
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async with AsyncExitStack() as stack:
        port = 0
        for address in addresses:
            server = await asyncio.start_server(answer, address, port)
            await stack.enter_async_context(server)
            port = server.sockets[0].getsockname()[1]
        yield port


def asked(port: int, address: str) -> Request:
    return Request(
        method="GET",
        url=f"http://localhost:{port}/",
        headers=[],
        timeout_s=10.0,
        fresh=True,
        address=address,
    )


async def test_a_request_goes_to_the_address_that_is_named_under_the_name_of_the_target() -> None:
    async with serving_on(*SEVERAL) as port, curl(f"http://localhost:{port}") as client:
        for address in SEVERAL:
            answer = await client.transport.send(asked(port, address))
            assert answer.body.decode() == f"{address} localhost:{port}"


async def test_an_address_without_a_server_does_not_fall_back_to_another() -> None:
    async with serving_on("127.0.0.1") as port, curl(f"http://localhost:{port}") as client:
        answer = await client.transport.send(asked(port, "127.0.0.2"))
    assert answer.failure is not None
    assert answer.failure.kind == "refused"


@pytest.mark.parametrize(
    ("url", "ips"),
    [
        ("http://127.0.0.1:1", ["127.0.0.1"]),
        ("https://[::1]", ["::1"]),
        ("http://nowhere.invalid", []),
    ],
)
async def test_the_addresses_of_a_host(url: str, ips: list[str]) -> None:
    async with curl(url) as client:
        assert [each.ip for each in await client.transport.resolve(url)] == ips


async def test_of_several_addresses_those_are_known_that_take_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def resolved(host: str) -> list[str]:
        return ["::1", "127.0.0.1", "127.0.0.2"]

    monkeypatch.setattr(addresses, "resolved", resolved)
    async with serving_on("127.0.0.1", "127.0.0.2") as port, curl("http://it.example") as client:
        found = await client.transport.resolve(f"http://it.example:{port}")
    assert found == [("::1", False), ("127.0.0.1", True), ("127.0.0.2", True)]


async def test_behind_a_proxy_no_address_is_known() -> None:
    async with curl("http://127.0.0.1", proxy="http://127.0.0.1:3128") as client:
        assert await client.transport.resolve("http://127.0.0.1") == []
