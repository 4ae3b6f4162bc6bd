"""Is money where it should be, to the cent?"""

from __future__ import annotations

from asyncio import gather
from typing import Any

from msgspec import Struct
from rpc import (
    INVALID_PARAMS,
    NAME_TAKEN,
    NO_SUCH_ACCOUNT,
    NO_SUCH_METHOD,
    OVERDRAWN,
    Balance,
    call,
    call_of,
    expect_balance,
    expect_error,
    expect_result,
    open_account,
    result_of,
)

from smokegate import ROLLBACK, Client, WorkflowSuite, consequence, expect


class Closed(Struct):
    """What closing an account comes to."""

    account: str
    paid_out: int


class Transferred(Struct):
    """Both accounts after a transfer."""

    source: Balance
    target: Balance


class Entry(Struct):
    """One line of an account."""

    amount: int
    other: str
    reference: str


class TestWorkflows(WorkflowSuite):
    """The share that passed decides, except where money is lost or made."""

    async def test_account_flow(self, client: Client) -> None:
        """An account is opened once, holds what was paid in, pays it out, and is gone."""
        name = await open_account(client, 12_34)
        params = {"account": name, "deposit": 1}
        again = await call(client, "ledger.open", params, creates=("account", name))
        expect_error(again, NAME_TAKEN)
        await expect_balance(client, name, 12_34)
        expect_result(await call(client, "ledger.close", {"account": name}), Closed(name, 12_34))
        for method in "ledger.balance", "ledger.close":
            expect_error(await call(client, method, {"account": name}), NO_SUCH_ACCOUNT)

    @consequence(ROLLBACK)
    async def test_transfer_flow(self, client: Client) -> None:
        """What one account gives the other gets, and both say so."""
        giver, taker = await gather(open_account(client, 50_00), open_account(client, 0))
        reference = client.unique("Miete für März ✓")
        way = {"source": giver, "target": taker, "reference": reference}
        done = await call(client, "ledger.transfer", way | {"amount": 19_99})
        expect_result(done, Transferred(Balance(giver, 30_01), Balance(taker, 19_99)))
        await gather(expect_balance(client, giver, 30_01), expect_balance(client, taker, 19_99))
        for account, entry in {
            giver: Entry(-19_99, taker, reference),
            taker: Entry(19_99, giver, reference),
        }.items():
            listed = await call(client, "ledger.entries", {"account": account})
            entries = result_of(listed, list[Entry])
            expect(listed).that("it has this one entry", entries == [entry], seen=entries)

    @consequence(ROLLBACK)
    async def test_overdraft(self, client: Client) -> None:
        """Nobody gives more than they have, not even by one cent; all of it may be given."""
        giver, taker = await gather(open_account(client, 10_00), open_account(client, 5_00))
        way = {"source": giver, "target": taker, "reference": client.unique("all")}
        expect_error(await call(client, "ledger.transfer", way | {"amount": 10_01}), OVERDRAWN)
        await gather(expect_balance(client, giver, 10_00), expect_balance(client, taker, 5_00))
        done = await call(client, "ledger.transfer", way | {"amount": 10_00})
        expect_result(done, Transferred(Balance(giver, 0), Balance(taker, 15_00)))

    @consequence(ROLLBACK)
    async def test_wrong_transfers(self, client: Client) -> None:
        """Amounts that are none, and accounts that are not there, move nothing."""
        giver, taker = await gather(open_account(client, 10_00), open_account(client, 10_00))
        way = {"source": giver, "target": taker, "amount": 1, "reference": client.unique("wrong")}
        amounts: list[Any] = [0, -1, 1.5, "1", True, None]
        mistakes: list[dict[str, Any]] = [{"amount": amount} for amount in amounts]
        for mistake in [*mistakes, {"target": giver}]:
            wrong = await call(client, "ledger.transfer", way | mistake)
            expect_error(wrong, INVALID_PARAMS)
        for end in "source", "target":
            nowhere = await call(client, "ledger.transfer", way | {end: client.unique("none")})
            expect_error(nowhere, NO_SUCH_ACCOUNT)
        await gather(expect_balance(client, giver, 10_00), expect_balance(client, taker, 10_00))

    @consequence(ROLLBACK)
    async def test_transfers_at_once(self, client: Client) -> None:
        """Transfers that cross each other lose no cent."""
        one, other = await gather(open_account(client, 1_00), open_account(client, 1_00))
        there = {"source": one, "target": other, "amount": 7, "reference": "there"}
        back = {"source": other, "target": one, "amount": 4, "reference": "back"}
        done = await gather(*(call(client, "ledger.transfer", way) for way in (there, back) * 5))
        for reply in done:
            result_of(reply, Transferred)
        await gather(expect_balance(client, one, 85), expect_balance(client, other, 1_15))

    async def test_batch(self, client: Client, savings: str) -> None:
        """A batch has an answer to each call, in any order, whatever becomes of the others."""
        calls = [
            call_of(client, "system.ping"),
            call_of(client, client.unique("ledger.none")),
            call_of(client, "ledger.balance", {"account": savings}),
        ]
        reply = await client.post("/rpc", json=calls)
        expect(reply).status(200)
        ids = reply.each(str, "id")
        asked = [each["id"] for each in calls]
        expect(reply).that("each is answered once", sorted(ids) == sorted(asked), seen=ids)
        ping, unknown, balance = map(ids.index, asked)
        expect(reply).json(ping, "result", "pong", equals=True)
        expect(reply).json(unknown, "error", "code", equals=NO_SUCH_METHOD)
        held = reply.read(Balance, balance, "result")
        expect(reply).that("it holds 100.00", held == Balance(savings, 100_00), seen=held)

    async def test_notification(self, client: Client) -> None:
        """What is sent without an id is done if it can be, and nothing is said of it."""
        giver, taker = await gather(open_account(client, 10_00), open_account(client, 0))
        params = {"source": giver, "target": taker, "amount": 1, "reference": client.unique("tip")}
        told = {"jsonrpc": "2.0", "method": "ledger.transfer", "params": params}
        vain = told | {"method": client.unique("ledger.none")}
        for sent in told, vain, [told, vain, told]:
            reply = await client.post("/rpc", json=sent)
            expect(reply).succeeded().that("nothing is said", not reply.body, seen=reply.text)
        await gather(expect_balance(client, giver, 9_97), expect_balance(client, taker, 3))
