"""Resources: made once, as soon as what they need is there, shared; root causes are named."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from smokegate.checks import HealthSuite, WorkflowSuite
from smokegate.client import Client
from smokegate.errors import JournalError
from smokegate.expectations import INVESTIGATE, WARN, expect
from smokegate.resources import resource
from smokegate.results import Action, Consequence, Outcome, Run

from tests.gate.engine.rehearsal import Rehearsal, action, check_in, outcomes, resource_in
from tests.gate.scripted_transport import ScriptedTransport, answered, unanswered

pytestmark = pytest.mark.virtual_clock

FAILED, BLOCKED, UNKNOWN = Outcome.FAILED, Outcome.BLOCKED, Outcome.UNKNOWN
PASSED, WARNED, SKIPPED = Outcome.PASSED, Outcome.WARNED, Outcome.SKIPPED


@resource
async def account(client: Client) -> str:
    expect(await client.post("/accounts")).status(201)
    return "anna"


@resource
async def lattice(client: Client, account: str) -> str:
    expect(await client.post("/lattices")).status(201)
    return f"lattice of {account}"


@resource
async def plan(client: Client, account: str) -> str:
    expect(await client.post("/plans")).status(201)
    return "free"


def chain() -> type[WorkflowSuite]:
    class Workflows(WorkflowSuite):
        async def test_login(self, client: Client, account: str) -> None:
            assert account == "anna"

        async def test_lattice(self, client: Client, lattice: str, account: str) -> None:
            assert lattice == "lattice of anna"

        async def test_plan(self, client: Client, plan: str) -> None:
            assert plan == "free"

        async def test_alone(self, client: Client) -> None:
            expect(await client.get("/")).status(200)

    return Workflows


def target(**changed: object) -> ScriptedTransport:
    routes = {
        "GET /": answered(),
        "GET /health": answered(),
        "POST /accounts": answered(201),
        "POST /lattices": answered(201),
        "POST /plans": answered(201),
    }
    return ScriptedTransport({**routes, **changed}, latency_s=1.0)  # type: ignore[dict-item]


def rehearsal(transport: ScriptedTransport, **settings: Any) -> Rehearsal:
    return Rehearsal(chain(), transport=transport, resources=(account, lattice, plan), **settings)


async def test_each_is_made_once_and_side_by_side_as_soon_as_it_can() -> None:
    transport = target()
    it = rehearsal(transport)
    run = await it.run()
    assert sorted(transport.lines) == ["GET /", "POST /accounts", "POST /lattices", "POST /plans"]
    assert it.now_s == 2.0
    assert {sent.line: sent.at_s - it.started_s for sent in transport.sent} == {
        "GET /": 0,
        "POST /accounts": 0,
        "POST /lattices": 1,
        "POST /plans": 1,
    }
    assert set(outcomes(run).values()) == {PASSED}
    made = resource_in(run, "account")
    assert made.outcome is PASSED
    assert made.needed_by == [f"workflows.test_{n}" for n in ("login", "lattice", "plan")]
    assert [exchange.url for exchange in made.exchanges] == ["https://api.example.com/accounts"]


async def test_what_one_check_needs_is_made_side_by_side() -> None:
    @resource
    async def webhook(client: Client) -> str:
        expect(await client.post("/plans")).status(201)
        return "hook"

    class Health(HealthSuite):
        async def test_it(self, account: str, webhook: str) -> None: ...

    it = Rehearsal(Health, transport=target(), resources=(account, webhook))
    await it.run()
    assert it.now_s == 1.0


async def test_what_is_not_needed_is_not_made() -> None:
    class Health(HealthSuite):
        async def test_it(self, client: Client, plan: str) -> None: ...

    transport = target()
    await Rehearsal(Health, transport=transport, resources=(account, lattice, plan)).run()
    assert transport.lines == ["POST /accounts", "POST /plans"]


async def test_a_waiter_that_is_cancelled_does_not_cancel_what_others_wait_for() -> None:
    class Health(HealthSuite):
        async def test_a(self, account: str) -> None: ...

        async def test_b(self, account: str) -> None: ...

    transport = target()
    it = Rehearsal(Health, transport=transport, resources=(account,))
    running = asyncio.create_task(it.run())
    await asyncio.sleep(0.5)
    (waiter,) = (task for task in asyncio.all_tasks() if task.get_name() == "health.test_a")
    waiter.cancel()
    run = await running
    assert outcomes(run) == {"a": UNKNOWN, "b": PASSED}
    assert transport.lines == ["POST /accounts"]


async def failing(transport: ScriptedTransport, **settings: Any) -> Run:
    return await rehearsal(transport, **settings).run()


async def test_blocked_names_the_root_cause_through_chains() -> None:
    run = await failing(target(**{"POST /accounts": answered(500)}))
    assert outcomes(run) == {"login": BLOCKED, "lattice": BLOCKED, "plan": BLOCKED, "alone": PASSED}
    reason = "account: POST /accounts: expected that status is 201; saw 500"
    for name in ("login", "lattice", "plan"):
        check = check_in(run, name)
        assert (check.blocked_by, check.reason) == ("account", f"blocked by {reason}")
        assert check.failed_consequences == [Consequence.SHARE]
    assert resource_in(run, "account").outcome is FAILED
    assert resource_in(run, "lattice").outcome is BLOCKED
    assert resource_in(run, "lattice").reason == f"blocked by {reason}"
    assert action(run) is Action.ROLLBACK


async def test_a_failed_resource_is_tried_again_before_anything_is_blocked() -> None:
    transport = target(**{"POST /accounts": [answered(500), answered(201)]})
    run = await failing(transport)
    assert set(outcomes(run).values()) == {PASSED}
    made = resource_in(run, "account")
    assert (made.outcome, len(made.attempts)) == (WARNED, 2)
    assert made.reason.startswith("flaky: made on the second try, first POST /accounts")
    again = [sent.request for sent in transport.sent if sent.line == "POST /accounts"]
    assert [request.fresh for request in again] == [False, True]


async def test_trouble_on_our_side_makes_everything_above_unknown() -> None:
    run = await failing(target(**{"POST /accounts": unanswered("local")}))
    assert outcomes(run) == {"login": UNKNOWN, "lattice": UNKNOWN, "plan": UNKNOWN, "alone": PASSED}
    assert resource_in(run, "account").outcome is UNKNOWN
    assert resource_in(run, "lattice").outcome is UNKNOWN
    assert check_in(run, "plan").reason.startswith("needs account: POST /accounts: the runner")
    assert action(run) is Action.INCONCLUSIVE


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), JournalError("disk full")])
async def test_so_does_a_bug_in_a_resource(error: Exception) -> None:
    @resource
    async def account(client: Client) -> str:
        raise error

    run = await Rehearsal(chain(), transport=target(), resources=(account, lattice, plan)).run()
    assert outcomes(run)["lattice"] is UNKNOWN
    assert str(error) in check_in(run, "lattice").reason


async def test_a_resource_that_does_not_apply_skips_what_needs_it() -> None:
    @resource
    async def account(client: Client) -> str:
        client.skip("registration is closed here")

    run = await Rehearsal(chain(), transport=target(), resources=(account, lattice, plan)).run()
    assert outcomes(run) == {"login": SKIPPED, "lattice": SKIPPED, "plan": SKIPPED, "alone": PASSED}
    assert resource_in(run, "lattice").outcome is SKIPPED
    assert check_in(run, "plan").reason == "needs account: registration is closed here"


async def test_a_failure_does_not_hide_behind_a_skip_on_the_second_try() -> None:
    tries: list[int] = []

    @resource
    async def account(client: Client) -> str:
        tries.append(1)
        if len(tries) > 1:
            client.skip("not the second time")
        expect(await client.get("/")).status(201)
        return "anna"

    run = await Rehearsal(chain(), transport=target(), resources=(account, lattice, plan)).run()
    assert outcomes(run)["login"] is BLOCKED
    assert resource_in(run, "account").outcome is FAILED


async def test_a_lost_connection_does_not_outlast_a_skip_on_the_second_try() -> None:
    @resource
    async def account(client: Client) -> str:
        if (await client.get("/closed")).status == 404:
            client.skip("registration is closed here")
        return "anna"

    transport = target()
    transport.routes["GET /closed"] = [unanswered("reset"), answered(404)]
    run = await Rehearsal(chain(), transport=transport, resources=(account, lattice, plan)).run()
    assert outcomes(run)["login"] is SKIPPED
    made = resource_in(run, "account")
    assert (made.outcome, made.flaky) == (SKIPPED, True)


async def test_a_cause_that_rolling_back_cannot_cure_means_investigate() -> None:
    """A warning beside it does not change that."""

    @resource
    async def account(client: Client) -> str:
        expect(await client.get("/"), or_else=WARN).header("X-Optional")
        expect(await client.get("/"), or_else=INVESTIGATE).header("X-Required")
        return "anna"

    class Health(HealthSuite):
        async def test_it(self, account: str) -> None: ...

    run = await Rehearsal(Health, transport=target(), resources=(account,)).run()
    assert check_in(run, "it").consequence is Consequence.INVESTIGATE
    assert action(run) is Action.INVESTIGATE


async def test_a_resource_has_a_client_that_is_its_own() -> None:
    class Health(HealthSuite):
        async def test_it(self, client: Client, account: str) -> None:
            expect(await client.get("/")).status(200)

    run = await Rehearsal(Health, transport=target(), resources=(account,)).run()
    (attempt,) = check_in(run, "it").attempts
    assert [exchange.url for exchange in attempt.exchanges] == ["https://api.example.com/"]


async def test_the_time_limit_of_the_run_makes_what_waits_unknown() -> None:
    transport = target(**{"POST /accounts": answered(201, after_s=20)})
    run = await failing(transport, run_timeout_s=10.0)
    assert outcomes(run) == {"login": UNKNOWN, "lattice": UNKNOWN, "plan": UNKNOWN, "alone": PASSED}
    assert resource_in(run, "account").outcome is UNKNOWN
