"""Second tries: what they forgive, what they do not, and when they are spared."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from smokegate.checks import HealthSuite, WorkflowSuite, consequence, exclusive
from smokegate.client import Client
from smokegate.client.transport import Headers
from smokegate.expectations import INVESTIGATE, MONITOR, expect
from smokegate.results import Action, Consequence, Outcome, Run

from tests.gate.engine.rehearsal import Rehearsal, action, check_in, outcomes
from tests.gate.scripted_transport import NEVER, ScriptedTransport, answered, unanswered

pytestmark = pytest.mark.virtual_clock

FAILED, UNKNOWN, PASSED, WARNED = Outcome.FAILED, Outcome.UNKNOWN, Outcome.PASSED, Outcome.WARNED


def one() -> type[HealthSuite]:
    class Health(HealthSuite):
        async def test_it(self, client: Client) -> None:
            expect(await client.get("/it")).status(200)

    return Health


def many(count: int) -> type[HealthSuite]:
    async def asked(self: object, client: Client) -> None:
        expect(await client.get("/it")).status(200)

    names = {f"test_{number}": asked for number in range(count)}
    return type("Health", (HealthSuite,), {**names, "__module__": __name__})


def target(*steps: Any, health: Any = None) -> ScriptedTransport:
    return ScriptedTransport(
        {"GET /it": list(steps), "GET /health": health or answered(), "GET /": answered()},
        latency_s=1.0,
    )


async def rehearsed(transport: ScriptedTransport, *suites: Any, **settings: Any) -> Run:
    return await Rehearsal(*(suites or (one(),)), transport=transport, **settings).run()


async def test_a_failure_that_does_not_repeat_is_flaky() -> None:
    transport = target(answered(500), answered())
    run = await rehearsed(transport)
    check = check_in(run, "it")
    assert (check.outcome, check.flaky, len(check.attempts)) == (WARNED, True, 2)
    assert check.reason.startswith("flaky: passed on the second try, first GET /it: expected")
    assert check.failed_consequences == []
    assert check.duration_s == 2.0
    assert [sent.request.fresh for sent in transport.sent] == [False, True]
    assert action(run) is Action.PROCEED


async def test_a_failure_that_repeats_counts() -> None:
    run = await rehearsed(target(answered(500), answered(503)))
    check = check_in(run, "it")
    assert (check.outcome, check.flaky) == (FAILED, False)
    assert check.reason.endswith("saw 503")
    assert action(run) is Action.ROLLBACK


async def test_there_is_no_third_try() -> None:
    transport = target(answered(500), answered(500), answered())
    assert outcomes(await rehearsed(transport)) == {"it": FAILED}
    assert transport.lines == ["GET /it"] * 2


async def test_what_passes_or_cannot_be_told_is_not_tried_again() -> None:
    for step, outcome in ((answered(), PASSED), (unanswered("local"), UNKNOWN)):
        transport = target(step)
        assert outcomes(await rehearsed(transport)) == {"it": outcome}
        assert transport.lines == ["GET /it"]


async def test_a_second_try_that_cannot_tell_is_unknown() -> None:
    run = await rehearsed(target(answered(500), unanswered("local")))
    check = check_in(run, "it")
    assert (check.outcome, check.flaky, len(check.attempts)) == (UNKNOWN, False, 2)
    assert action(run) is Action.INCONCLUSIVE


async def test_a_lost_connection_does_not_outlast_a_second_try_that_skips() -> None:
    class Health(HealthSuite):
        async def test_it(self, client: Client) -> None:
            if (await client.get("/it")).status == 404:
                client.skip("there is none")

    run = await rehearsed(target(unanswered("reset"), answered(404)), Health)
    check = check_in(run, "it")
    assert (check.outcome, check.flaky) == (WARNED, True)
    assert check.reason.startswith(
        "flaky: skipped (there is none) on the second try, first GET /it"
    )
    assert action(run) is Action.PROCEED


async def test_a_second_try_that_skips_does_not_take_the_failure_away() -> None:
    class Health(HealthSuite):
        async def test_it(self, client: Client) -> None:
            reply = await client.get("/it")
            if reply.status == 200:
                client.skip("gone")
            expect(reply).status(200)

    run = await rehearsed(target(answered(500), answered()), Health)
    assert outcomes(run) == {"it": FAILED}


@consequence(MONITOR)
async def _first_bad_then_mild(self: object, client: Client) -> None:
    reply = await client.get("/it")
    expect(reply, or_else=Consequence.ROLLBACK).status(200)
    expect(reply, or_else=MONITOR).header("X-Missing")


async def test_a_bad_failure_that_gives_way_to_a_milder_one_is_flaky_too() -> None:
    names = {"test_a": _first_bad_then_mild, "test_b": _first_bad_then_mild}
    both = type("Workflows", (WorkflowSuite,), {**names, "__module__": __name__})
    bad, good = answered(500), answered()
    run = await rehearsed(target(bad, bad, good, good), both)
    for check in run.checks:
        assert (check.outcome, check.flaky) == (FAILED, True)
        assert check.failed_consequences == [MONITOR]
        assert check.warnings[0].startswith("flaky: did not repeat, first GET /it")
    assert action(run) is Action.INVESTIGATE


async def test_a_failure_that_repeats_beside_a_worse_one_is_not_flaky() -> None:
    class Health(HealthSuite):
        async def test_it(self, client: Client) -> None:
            reply = await client.get("/it")
            expect(reply, or_else=INVESTIGATE).header("X-Missing")

    assert not check_in(await rehearsed(target(answered()), Health), "it").flaky


async def test_two_flaky_checks_mean_investigate() -> None:
    run = await rehearsed(target(answered(500), answered(500), answered(), answered()), many(2))
    assert outcomes(run) == {"0": WARNED, "1": WARNED}
    assert action(run) is Action.INVESTIGATE


async def test_second_tries_are_spared_when_the_whole_target_is_down() -> None:
    refused = unanswered("refused")
    transport = target(refused, health=refused)
    run = await rehearsed(transport, many(20))
    assert set(outcomes(run).values()) == {FAILED}
    assert all(len(check.attempts) == 1 for check in run.checks)
    assert transport.lines == ["GET /it"] * 20 + ["GET /health"] * 6
    assert all(sent.request.fresh for sent in transport.sent if sent.line == "GET /health")
    assert run.down == "GET /health: connection refused"
    assert action(run) is Action.ROLLBACK


@pytest.mark.parametrize("times", [1, 2, 5])
async def test_a_canary_that_answers_at_last_or_elsewhere_spares_nothing(times: int) -> None:
    refused = unanswered("refused")
    transport = target(refused, health=[*[refused] * times, answered(500)])
    run = await rehearsed(transport)
    assert transport.lines == ["GET /it", *["GET /health"] * 6, "GET /it"]
    assert run.down == ""


async def test_one_endpoint_that_is_silent_is_tried_again() -> None:
    transport = target(NEVER)
    run = await rehearsed(transport, many(3), timeout_s=5.0)
    assert transport.lines == ["GET /it"] * 3 + ["GET /health"] + ["GET /it"] * 3
    assert run.down == ""
    assert set(outcomes(run).values()) == {FAILED}


async def test_a_canary_that_cannot_tell_spares_nothing() -> None:
    transport = target(unanswered("refused"), health=unanswered("local"))
    await rehearsed(transport)
    assert transport.lines == ["GET /it", "GET /health", "GET /it"]


async def test_a_target_that_answers_is_not_asked_whether_it_is_there() -> None:
    transport = target(answered(500))
    await rehearsed(transport)
    assert "GET /health" not in transport.lines


async def test_the_canary_is_asked_again_later() -> None:
    """What answered when the first check failed may be down when the next one does."""

    class Health(HealthSuite):
        async def test_a(self, client: Client) -> None:
            await client.get("/it")

        @exclusive()
        async def test_b(self, client: Client) -> None:
            await client.get("/it")

    refused = unanswered("refused")
    transport = target(refused, answered(), refused, health=[answered(), refused])
    run = await rehearsed(transport, Health)
    assert outcomes(run) == {"a": WARNED, "b": FAILED}
    assert run.down
    assert len(check_in(run, "b").attempts) == 1


async def test_the_budget_ends_second_tries() -> None:
    async def asked(self: object, client: Client) -> None:
        expect(await client.get("/it")).status(200)

    alone = exclusive()(asked)
    names = {f"test_{number}": alone for number in range(5)}
    suite = type("Health", (HealthSuite,), {**names, "__module__": __name__})
    run = await rehearsed(target(answered(500)), suite, confirm_budget_s=2.5)
    assert [len(check.attempts) for check in run.checks] == [2, 2, 2, 1, 1]
    assert list(outcomes(run).values()) == [FAILED] * 3 + [UNKNOWN] * 2
    assert run.checks[3].reason.startswith("failed once, and confirm_budget_s left no time to try ")


async def test_what_could_not_be_tried_again_is_no_failure() -> None:
    class Health(HealthSuite):
        @exclusive()
        async def test_a(self, client: Client) -> None:
            expect(await client.get("/it")).status(200)

        @exclusive()
        async def test_b(self, client: Client) -> None:
            expect(await client.get("/it")).status(200)

    steps = (answered(500), answered(), answered(500))
    run = await rehearsed(target(*steps), Health, confirm_budget_s=0.5)
    assert outcomes(run) == {"a": WARNED, "b": UNKNOWN}
    assert action(run) is Action.INCONCLUSIVE


@pytest.mark.parametrize(
    ("status", "headers", "pause_s"),
    [
        (500, [], 0.0),
        (502, [], 3.0),
        (503, [("Retry-After", "5")], 5.0),
        (504, [("Retry-After", "60")], 10.0),
    ],
)
async def test_a_load_balancer_that_switches_is_given_time(
    status: int, headers: Headers, pause_s: float
) -> None:
    transport = target(answered(status, headers=headers), answered())
    run = await rehearsed(transport, confirm_budget_s=1.5)
    assert check_in(run, "it").flaky
    assert transport.sent[1].at_s - transport.sent[0].at_s == 1.0 + pause_s


async def test_an_interruption_ends_the_canary_and_keeps_the_first_try() -> None:
    transport = target(unanswered("refused"), health=NEVER)
    it = Rehearsal(one(), transport=transport)
    running = asyncio.create_task(it.run())
    await asyncio.sleep(3)
    it.engine.interrupt("SIGTERM")
    run = await running
    assert transport.at_once == 0
    # The first try is over and stays what it was.
    check = check_in(run, "it")
    assert (check.outcome, len(check.attempts)) == (FAILED, 1)
    assert check.reason == "GET /it: connection refused"
    assert action(run) is Action.INCONCLUSIVE
