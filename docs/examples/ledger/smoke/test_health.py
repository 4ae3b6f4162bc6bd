"""Does the endpoint speak JSON-RPC 2.0?"""

from __future__ import annotations

from asyncio import gather

from msgspec import Struct
from rpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    NO_SUCH_METHOD,
    PARSE_ERROR,
    call,
    expect_error,
    expect_result,
)

from smokegate import Client, HealthSuite, expect

JSON = {"Content-Type": "application/json"}


class Pong(Struct):
    """The answer to a ping."""

    pong: bool
    version: str


class TestHealth(HealthSuite):
    """What fails here means rollback, unless the check says otherwise."""

    async def test_service_running(self, client: Client) -> None:
        """The service is well, and the endpoint behind it is of the same version."""
        health, pong = await gather(client.get("/health"), call(client, "system.ping"))
        expect(health).status(200).json("status", equals="ok")
        version = health.read(str, "version")
        client.saw_version(version)
        expect_result(pong, Pong(pong=True, version=version))

    async def test_ids(self, client: Client) -> None:
        """An answer has the id of its call, be it text or a number."""
        for call_id in client.unique("id"), 7, 0:
            sent = {"jsonrpc": "2.0", "id": call_id, "method": "system.ping"}
            reply = await client.post("/rpc", json=sent)
            expect(reply).status(200).json("id", equals=call_id).json("result")

    async def test_wrong_calls(self, client: Client) -> None:
        """An unknown method, wrong parameters and those of no method are told apart."""
        unknown, missing, too_many = await gather(
            call(client, client.unique("ledger.none")),
            call(client, "ledger.balance"),
            call(client, "system.ping", {"loudly": True}),
        )
        expect_error(unknown, NO_SUCH_METHOD)
        expect_error(missing, INVALID_PARAMS)
        expect_error(too_many, INVALID_PARAMS)

    async def test_no_calls(self, client: Client) -> None:
        """What is no JSON, no call or an empty batch is refused, by an answer to nobody."""
        bodies = {
            b'{"jsonrpc": "2.0", ': PARSE_ERROR,
            b"7": INVALID_REQUEST,
            b"[]": INVALID_REQUEST,
        }
        sent = (client.post("/rpc", body=body, headers=JSON) for body in bodies)
        for code, reply in zip(bodies.values(), await gather(*sent), strict=True):
            expect_error(reply, code)
            expect(reply).json("id", equals=None)

    async def test_only_by_post(self, client: Client) -> None:
        """A link cannot make a call."""
        reply = await client.get("/rpc")
        expect(reply).status(405).header("Allow", equals="POST")
