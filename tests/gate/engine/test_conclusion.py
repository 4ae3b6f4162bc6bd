"""What the tries of a check come to, where a wrong answer would open the gate or cry wolf."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from smokegate.engine.conclusion import lost_connection_of
from smokegate.results import Action, Consequence, Outcome

from smokegate import (
    INVESTIGATE,
    MONITOR,
    ROLLBACK,
    WARN,
    Client,
    HealthSuite,
    WorkflowSuite,
    expect,
    expect_all,
    resource,
)
from tests.gate.engine.rehearsal import Rehearsal, action
from tests.gate.engine.test_attempt import attempt
from tests.gate.scripted_transport import ScriptedTransport, Step, answered, unanswered


async def test_a_mild_failure_before_a_crash_does_not_open_the_gate() -> None:
    class Health(HealthSuite):
        async def test_it(self, client: Client) -> None:
            expect_all(client, or_else=MONITOR).that("it is well", False)
            raise RuntimeError("a mistake")

        async def test_other(self) -> None:
            pass

    rehearsal = Rehearsal(Health)
    run = await rehearsal.run()
    assert run.checks[0].outcome is Outcome.UNKNOWN
    assert run.checks[0].consequence is Consequence.ROLLBACK
    assert action(run) is Action.INCONCLUSIVE


async def test_a_broken_trust_that_cannot_be_confirmed_does_not_open_the_gate() -> None:
    tries = iter((False, True))

    class Workflows(WorkflowSuite):
        async def test_it(self, client: Client) -> None:
            if next(tries):
                raise RuntimeError("our own trouble")
            expect_all(client, or_else=ROLLBACK).that("the wrong password is refused", False)

        async def test_other(self) -> None:
            pass

    rehearsal = Rehearsal(Workflows)
    assert action(await rehearsal.run()) is Action.INCONCLUSIVE


async def test_a_broken_trust_that_does_not_repeat_is_investigated() -> None:
    tries = iter((False, True))

    class Workflows(WorkflowSuite):
        async def test_it(self, client: Client) -> None:
            reply = await client.get("/")
            expect(reply, or_else=ROLLBACK).that("the wrong password is refused", next(tries))

    rehearsal = Rehearsal(Workflows)
    assert action(await rehearsal.run()) is Action.INVESTIGATE


@pytest.mark.parametrize(
    ("or_else", "expected"),
    [
        (WARN, Action.PROCEED),
        (MONITOR, Action.MONITOR),
        (INVESTIGATE, Action.INVESTIGATE),
        (ROLLBACK, Action.ROLLBACK),
    ],
)
async def test_a_member_that_is_missing_means_what_was_said(
    or_else: Consequence, expected: Action
) -> None:
    class Workflows(WorkflowSuite):
        async def test_it(self, client: Client) -> None:
            reply = await client.get("/")
            expect(reply, or_else=or_else).json("nothing", "here", equals=1)

        async def test_second(self) -> None:
            pass

        async def test_third(self) -> None:
            pass

    rehearsal = Rehearsal(Workflows)
    assert action(await rehearsal.run()) is expected


async def test_two_flaky_resources_are_investigated() -> None:
    tries = {"one": 0, "two": 0}

    async def made_on_the_second_try(client: Client, name: str) -> None:
        tries[name] += 1
        expect_all(client).that("it is made", tries[name] > 1)

    @resource
    async def one(client: Client) -> None:
        await made_on_the_second_try(client, "one")

    @resource
    async def two(client: Client) -> None:
        await made_on_the_second_try(client, "two")

    class Health(HealthSuite):
        async def test_it(self, one: None, two: None) -> None:
            pass

    rehearsal = Rehearsal(Health, resources=(one, two))
    assert action(await rehearsal.run()) is Action.INVESTIGATE


async def test_a_mild_demand_on_a_resource_rolls_nothing_back() -> None:
    @resource
    async def account(client: Client) -> None:
        expect_all(client, or_else=MONITOR).that("it is made quickly", False)

    class Health(HealthSuite):
        async def test_it(self, account: None) -> None:
            pass

    rehearsal = Rehearsal(Health, resources=(account,))
    assert action(await rehearsal.run()) is Action.INVESTIGATE


FULL = answered(507, {"detail": "The storage is full."})


async def demands(client: Client) -> None:
    expect(await client.post("/accounts")).status(201)


async def asserts(client: Client) -> None:
    assert (await client.post("/accounts")).status == 201


@pytest.mark.parametrize("work", [demands, asserts])
@pytest.mark.parametrize("in_a_resource", [False, True])
@pytest.mark.parametrize(
    ("reply", "expected"), [(FULL, Action.INVESTIGATE), (answered(500), Action.ROLLBACK)]
)
async def test_a_full_disk_is_investigated_wherever_it_is_met(
    reply: Step, expected: Action, in_a_resource: bool, work: Callable[[Client], Awaitable[None]]
) -> None:
    @resource
    async def account(client: Client) -> None:
        if in_a_resource:
            await work(client)

    class Health(HealthSuite):
        async def test_it(self, client: Client, account: None) -> None:
            await work(client)

    transport = ScriptedTransport({"POST /accounts": reply})
    run = await Rehearsal(Health, resources=(account,), transport=transport).run()
    assert action(run) is expected
    named = "the target's storage is full" in run.checks[0].reason
    assert named is (expected is Action.INVESTIGATE)


@pytest.mark.virtual_clock
async def test_a_write_that_a_kept_connection_lost_need_not_be_the_last_of_several() -> None:
    transport = ScriptedTransport(
        {"POST /": unanswered("lost", connection=4), "GET /": answered(), "GET /wrong": answered()}
    )

    async def work(client: Client) -> None:
        tries = await asyncio.gather(client.post("/"), client.get("/"), return_exceptions=True)
        raise next(each for each in tries if isinstance(each, Exception))

    async def fails_otherwise_too(client: Client) -> None:
        expect(await client.get("/wrong"), or_else=INVESTIGATE).status(201)
        await work(client)

    ended = await attempt(work, transport)
    assert ended.attempt.last_exchange != ended.attempt.exchanges[0]
    assert lost_connection_of(ended) == -1
    assert lost_connection_of(await attempt(fails_otherwise_too, transport)) is None
