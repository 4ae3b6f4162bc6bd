"""A resource that outlives its run is made once, stays in its journal, and is removed later."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from smokegate.checks import HealthSuite
from smokegate.client import Client
from smokegate.engine import Keeper
from smokegate.expectations import expect
from smokegate.resources import removes, resource
from smokegate.results import Outcome

from tests.gate.engine.rehearsal import Rehearsal, resource_in
from tests.gate.scripted_transport import ScriptedTransport, answered

pytestmark = pytest.mark.virtual_clock


@resource
async def member(client: Client) -> str:
    made = await client.post("/accounts", json={}, creates=("account", "of the member"))
    expect(made).status(201)
    return "a token"


@removes("account")
async def remove_account(client: Client, name: str) -> bool:
    return (await client.delete("/accounts")).status == 200


def rehearsal(keeper: Keeper | None, member: Any = member, **routes: Any) -> Rehearsal:
    class Health(HealthSuite):
        async def test_it(self, client: Client, member: str) -> None:
            assert member == "a token"
            made = await client.post("/accounts", json={}, creates=("account", "of the check"))
            expect(made).status(201)

    answers = {"POST /accounts": answered(201), "DELETE /accounts": answered(200), **routes}
    transport = ScriptedTransport(answers)
    return Rehearsal(Health, transport=transport, resources=(member, remove_account), keeper=keeper)


async def test_what_is_kept_is_not_removed_and_not_made_again() -> None:
    keeper = Keeper("member")
    first = rehearsal(keeper)
    await first.run()
    assert first.journal.removals == ["of the check"]
    assert [each.name for each in first.journal.pending] == ["of the member"]
    assert keeper.creators == {"member", "health.test_it"}
    second = rehearsal(keeper)
    run = await second.run()
    made = resource_in(run, "member")
    assert (made.outcome, made.reason) == (Outcome.PASSED, "kept from an earlier run")
    assert second.journal.removals == ["of the check"]
    assert second.journal.pending == []
    assert keeper.take() is first.journal
    assert keeper.values == {}


async def test_without_a_keeper_all_of_it_is_removed() -> None:
    alone = rehearsal(None)
    await alone.run()
    assert sorted(alone.journal.removals) == ["of the check", "of the member"]


async def test_what_was_not_made_is_not_kept() -> None:
    keeper = Keeper("member")
    failing = rehearsal(keeper, **{"POST /accounts": answered(500)})
    await failing.run()
    assert (keeper.values, keeper.take()) == ({}, None)


async def test_an_interrupted_run_keeps_nothing() -> None:
    keeper = Keeper("member")
    interrupted = rehearsal(keeper)
    running = asyncio.create_task(interrupted.run())
    await asyncio.sleep(0.15)  # in the middle of the check, when the account is there
    interrupted.engine.interrupt("SIGTERM")
    await running
    assert keeper.take() is None
    assert "of the member" in interrupted.journal.removals


async def test_what_creates_nothing_is_made_anew() -> None:
    @resource
    async def member(client: Client) -> str:
        return "a token"

    keeper = Keeper("member")
    alone = rehearsal(keeper, member=member)
    await alone.run()
    assert keeper.values == {}
    assert alone.journal.pending == []
