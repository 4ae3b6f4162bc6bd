"""Makes calls of JSON-RPC 2.0, and reads what they come to: all replies have status 200."""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec import Struct

from smokegate import Client, Reply, expect

PARSE_ERROR, INVALID_REQUEST, NO_SUCH_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
NO_SUCH_ACCOUNT, NAME_TAKEN, OVERDRAWN = 1001, 1002, 1003

T = TypeVar("T")


class Balance(Struct, frozen=True):
    """What an account holds, in cents."""

    account: str
    balance: int


def call_of(client: Client, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """A call, to be sent by itself or in a batch."""
    return {"jsonrpc": "2.0", "id": client.unique("call"), "method": method, "params": params or {}}


async def call(
    client: Client,
    method: str,
    params: dict[str, Any] | None = None,
    *,
    creates: tuple[str, str] | None = None,
) -> Reply:
    """Call a method, and demand that what comes back is the answer to this call."""
    sent = call_of(client, method, params)
    reply = await client.post("/rpc", json=sent, creates=creates)
    expect(reply).status(200).json("jsonrpc", equals="2.0").json("id", equals=sent["id"])
    return reply


async def open_account(client: Client, deposit: int) -> str:
    """Open an account under a name that nobody else makes up, and note it for removal."""
    name = client.unique("smoke")
    params = {"account": name, "deposit": deposit}
    opened = await call(client, "ledger.open", params, creates=("account", name))
    expect_result(opened, Balance(name, deposit))
    return name


async def expect_balance(client: Client, account: str, cents: int) -> None:
    """Demand that an account holds so much."""
    expect_result(
        await call(client, "ledger.balance", {"account": account}), Balance(account, cents)
    )


def result_of(reply: Reply, kind: type[T]) -> T:
    """Demand success, and read the result as a type."""
    expect(reply).that("it succeeds", not reply.has("error"), seen=reply.text)
    return reply.read(kind, "result")


def expect_result(reply: Reply, wanted: Struct) -> None:
    """Demand this result, its members of the right types."""
    result = result_of(reply, type(wanted))
    expect(reply).that(f"the result is {wanted}", result == wanted, seen=result)


def expect_error(reply: Reply, code: int) -> None:
    """Demand an error of this code, and no result beside it."""
    expect(reply).status(200).json("error", "code", equals=code)
    message = reply.read(str, "error", "message")
    expect(reply).that("it is said in words", message.strip() != "", seen=message)
    expect(reply).that("there is no result", not reply.has("result"), seen=reply.text)
