"""A run that is interrupted, at whatever moment, ends as a run and leaves nothing behind."""

from __future__ import annotations

import asyncio

import pytest
from smokegate.checks import HealthSuite, exclusive
from smokegate.client import Client
from smokegate.expectations import expect
from smokegate.resources import removes, resource
from smokegate.results import Action, Outcome, Run

from tests.gate.engine.rehearsal import Rehearsal, action, check_in, outcomes
from tests.gate.scripted_transport import NEVER, ScriptedTransport, answered

pytestmark = pytest.mark.virtual_clock

PASSED, FAILED, UNKNOWN = Outcome.PASSED, Outcome.FAILED, Outcome.UNKNOWN


@resource
async def account(client: Client) -> str:
    expect(await client.post("/accounts", creates=("account", "anna"))).status(201)
    return "anna"


@removes("account")
async def remove_account(client: Client, name: str) -> bool:
    expect(await client.delete("/accounts")).succeeded()
    return True


@removes("thing")
async def remove_thing(client: Client, name: str) -> bool:
    expect(await client.delete("/things")).succeeded()
    return True


def suite() -> type[HealthSuite]:
    class Health(HealthSuite):
        async def test_create(self, client: Client, account: str) -> None:
            expect(await client.post("/things", creates=("thing", "cube"))).status(201)

        async def test_bad(self, client: Client, account: str) -> None:
            expect(await client.get("/bad")).status(200)

        @exclusive()
        async def test_alone(self, client: Client) -> None:
            expect(await client.get("/alone")).status(200)

    return Health


def rehearsal(**changed: object) -> Rehearsal:
    """A run whose phases change at 1 (account), 2 (checks), 4 (second try), 6 (exclusive)."""
    routes = {
        "POST /accounts": answered(201),
        "POST /things": answered(201),
        "GET /bad": [answered(500), answered(500, after_s=2)],
        "GET /alone": answered(after_s=2),
        "DELETE /things": answered(204),
        "DELETE /accounts": answered(204),
    }
    transport = ScriptedTransport({**routes, **changed}, latency_s=1.0)  # type: ignore[dict-item]
    return Rehearsal(
        suite(),
        transport=transport,
        resources=(account, remove_account, remove_thing),
        cleanup_timeout_s=30.0,
    )


async def interrupted(it: Rehearsal, *at_s: float) -> Run:
    loop = asyncio.get_running_loop()
    for moment_s in at_s:
        loop.call_at(it.started_s + moment_s, it.engine.interrupt, "SIGTERM")
    return await it.run()


async def test_without_interruption_it_takes_its_time() -> None:
    it = rehearsal()
    run = await it.run()
    assert outcomes(run) == {"create": PASSED, "bad": FAILED, "alone": PASSED}
    assert it.journal.removals == ["cube", "anna"]
    assert (it.now_s, run.leftovers) == (8.0, [])


@pytest.mark.parametrize("signals", [1, 3])
@pytest.mark.parametrize(
    ("at_s", "ended", "removed", "over_s"),
    [
        (0.5, (UNKNOWN, UNKNOWN, UNKNOWN), ["anna"], 2.0),
        (1.5, (UNKNOWN, UNKNOWN, UNKNOWN), ["cube", "anna"], 4.0),
        (3.0, (PASSED, UNKNOWN, UNKNOWN), ["cube", "anna"], 5.0),
        (5.0, (PASSED, FAILED, UNKNOWN), ["cube", "anna"], 7.0),
        (6.5, (PASSED, FAILED, PASSED), ["cube", "anna"], 8.0),
        (7.5, (PASSED, FAILED, PASSED), ["cube", "anna"], 8.0),
    ],
    ids=["resources", "checks", "second tries", "exclusive", "clean-up", "its end"],
)
async def test_in_every_phase(
    at_s: float, ended: tuple[Outcome, ...], removed: list[str], over_s: float, signals: int
) -> None:
    it = rehearsal()
    run = await interrupted(it, *(at_s + 0.25 * number for number in range(signals)))
    assert tuple(outcomes(run).values()) == ended
    assert run.interrupted == "SIGTERM"
    assert action(run) is Action.INCONCLUSIVE
    assert it.journal.removals == removed
    assert run.leftovers == []
    assert it.now_s == over_s


async def test_before_it_begins_nothing_is_asked() -> None:
    it = rehearsal()
    it.engine.interrupt("SIGINT")
    run = await it.run()
    assert set(outcomes(run).values()) == {UNKNOWN}
    assert check_in(run, "create").reason == "not finished: interrupted by SIGINT"
    assert it.now_s == 0.0
    assert it.journal.creations == []
    assert action(run) is Action.INCONCLUSIVE


async def test_after_its_end_nothing_happens() -> None:
    it = rehearsal()
    await it.run()
    it.engine.interrupt("SIGTERM")
    await asyncio.sleep(1)


async def test_what_the_unfinished_saw_is_kept() -> None:
    run = await interrupted(rehearsal(), 3.0)
    bad = check_in(run, "bad")
    assert [attempt.outcome for attempt in bad.attempts] == [FAILED, UNKNOWN]
    assert bad.reason == "interrupted by SIGTERM"
    assert [exchange.status for exchange in bad.attempts[0].exchanges] == [500]
    assert check_in(run, "create").attempts[0].exchanges[0].status == 201


async def test_the_answer_to_a_creation_reaches_the_journal_without_its_sender() -> None:
    it = rehearsal()
    await interrupted(it, 1.5)
    assert [(each.name, each.made) for each in it.journal.creations] == [
        ("anna", True),
        ("cube", True),
    ]


async def test_a_creation_that_is_never_answered_may_be_left() -> None:
    @removes("thing")
    async def remove_thing(client: Client, name: str) -> bool:
        return (await client.delete("/things")).status != 404

    it = rehearsal(**{"POST /things": NEVER, "DELETE /things": answered(404)})
    it.engine._plan.catalogue.removers["thing"] = remove_thing
    run = await interrupted(it, 1.5)
    assert run.leftovers == ["thing cube: its creation was not confirmed; it may still come to be"]
    assert it.journal.removals == ["anna"]
    assert [each.name for each in it.journal.pending] == ["cube"]


@pytest.mark.parametrize("at_s", [0.5, 3.0, 5.0, 6.5])
async def test_it_is_over_within_its_limit_when_the_target_hangs(at_s: float) -> None:
    it = rehearsal(**{"DELETE /things": NEVER, "DELETE /accounts": NEVER})
    run = await interrupted(it, at_s)
    assert it.now_s <= at_s + 6.0
    assert all(line.endswith(": no time left") for line in run.leftovers)
    assert len(run.leftovers) == len(it.journal.creations) >= 1


async def test_while_the_target_settles_no_check_begins_after_it() -> None:
    transport = ScriptedTransport({"GET /health": NEVER, "POST /accounts": NEVER})
    resources = (account, remove_account, remove_thing)
    it = Rehearsal(suite(), transport=transport, resources=resources, wait_s=100.0)
    run = await interrupted(it, 2.0)
    assert it.now_s == 2.0
    assert set(outcomes(run).values()) == {UNKNOWN}
    assert set(transport.lines) == {"GET /health"}


async def test_a_cancellation_from_outside_is_an_interruption() -> None:
    it = rehearsal()
    running = asyncio.create_task(it.run())
    await asyncio.sleep(1.5)
    running.cancel()
    run = await running
    assert run.interrupted == "a cancellation"
    assert it.journal.removals == ["cube", "anna"]
