"""A run takes as long as its longest chain, and always ends with what was found out."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from smokegate.checks import HealthSuite, WorkflowSuite, deprecated, exclusive, quarantine
from smokegate.client import Client
from smokegate.engine import CheckFinished, RunStarted, Waiting
from smokegate.expectations import MONITOR, expect
from smokegate.resources import removes, resource
from smokegate.results import Action, Outcome

from tests.gate.engine.rehearsal import Rehearsal, action, check_in, outcomes
from tests.gate.scripted_transport import NEVER, ScriptedTransport, answered, unanswered

pytestmark = pytest.mark.virtual_clock

FAILED, UNKNOWN, SKIPPED = Outcome.FAILED, Outcome.UNKNOWN, Outcome.SKIPPED
PASSED, WARNED = Outcome.PASSED, Outcome.WARNED


async def ask(client: Client, times: int = 1) -> None:
    for _ in range(times):
        expect(await client.get("/")).succeeded()


def target() -> ScriptedTransport:
    return ScriptedTransport({"GET /": answered(), "GET /never": NEVER}, latency_s=1.0)


async def test_a_run_takes_as_long_as_its_longest_chain() -> None:
    class Health(HealthSuite):
        async def test_one(self, client: Client) -> None:
            await ask(client)

        async def test_two(self, client: Client) -> None:
            await ask(client, 2)

        async def test_three(self, client: Client) -> None:
            await ask(client, 3)

    transport = target()
    rehearsal = Rehearsal(Health, transport=transport)
    run = await rehearsal.run()
    assert (rehearsal.now_s, run.duration_s) == (3.0, 3.0)
    assert (len(transport.sent), transport.most_at_once) == (6, 3)
    assert rehearsal.finished == ["test_one", "test_two", "test_three"]
    assert action(run) is Action.PROCEED


async def test_fifty_checks_meet_at_a_barrier() -> None:
    barrier = asyncio.Barrier(50)

    async def met(self: object, client: Client) -> None:
        await barrier.wait()
        await ask(client)

    names = {f"test_{number}": met for number in range(50)}
    suite = type("Health", (HealthSuite,), {**names, "__module__": __name__})
    run = await Rehearsal(suite, transport=target()).run()
    assert set(outcomes(run).values()) == {PASSED}


async def test_exclusive_checks_run_alone_and_the_last_one_last() -> None:
    running: set[str] = set()
    beside: dict[str, set[str]] = {}

    async def record(name: str, client: Client) -> None:
        running.add(name)
        beside[name] = running - {name}
        await ask(client)
        running.discard(name)

    class Health(HealthSuite):
        @exclusive(last=True)
        async def test_burst(self, client: Client) -> None:
            await record("burst", client)

        @exclusive()
        async def test_latency(self, client: Client) -> None:
            await record("latency", client)

        async def test_a(self, client: Client) -> None:
            await record("a", client)

        @exclusive()
        async def test_samples(self, client: Client) -> None:
            await record("samples", client)

        async def test_b(self, client: Client) -> None:
            await record("b", client)

    rehearsal = Rehearsal(Health, transport=target())
    run = await rehearsal.run()
    alone = ["test_latency", "test_samples", "test_burst"]
    assert rehearsal.finished == ["test_a", "test_b", *alone]
    assert {name: beside[name] for name in ("latency", "samples", "burst")} == {
        "latency": set(),
        "samples": set(),
        "burst": set(),
    }
    assert rehearsal.now_s == 4.0
    # The run keeps the order in which the checks are written.
    written = ["burst", "latency", "a", "samples", "b"]
    assert list(outcomes(run)) == written


async def test_nothing_is_made_beside_an_exclusive_check() -> None:
    transport = ScriptedTransport({"GET /": answered(), "GET /slow": answered(after_s=9)})

    @resource
    async def slow(client: Client) -> None:
        await client.get("/slow")

    class Health(HealthSuite):
        @exclusive()
        async def test_latency(self, client: Client) -> None:
            seen.append(transport.at_once)
            await ask(client)

        @exclusive()
        async def test_with_it(self, client: Client, slow: None) -> None:
            await ask(client)

    seen: list[int] = []
    run = await Rehearsal(Health, transport=transport, resources=(slow,)).run()
    assert seen == [0]
    assert set(outcomes(run).values()) == {PASSED}


async def test_what_happens_is_told_as_it_happens() -> None:
    class Health(HealthSuite):
        async def test_a(self, client: Client) -> None:
            await ask(client)

    rehearsal = Rehearsal(Health, transport=target(), partial=True)
    run = await rehearsal.run()
    started, finished = rehearsal.events
    assert isinstance(started, RunStarted)
    assert started.checks == [("health", "health.test_a")]
    assert started.partial
    assert isinstance(finished, CheckFinished)
    assert finished.result == run.checks[0]


async def test_a_check_that_cancels_itself_is_unknown_and_the_others_are_not() -> None:
    class Health(HealthSuite):
        async def test_odd(self) -> None:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(1)

        @exclusive()
        async def test_odd_alone(self) -> None:
            await self.test_odd()

        async def test_good(self, client: Client) -> None:
            await ask(client)

    run = await Rehearsal(Health, transport=target()).run()
    assert outcomes(run) == {"odd": UNKNOWN, "odd_alone": UNKNOWN, "good": PASSED}
    assert "cancelled itself" in check_in(run, "odd").reason
    assert run.interrupted == ""


async def test_soft_failures_do_not_hide_an_assert() -> None:
    class Health(HealthSuite):
        async def test_it(self, client: Client) -> None:
            reply = await client.get("/")
            expect(reply, or_else=MONITOR).header("X-Missing")
            assert reply.status == 201

    run = await Rehearsal(Health, transport=target()).run()
    assert action(run) is Action.ROLLBACK


async def test_each_check_has_settings_and_an_instance_of_its_own() -> None:
    class Health(HealthSuite):
        limit: int = 1
        needed: str

        async def test_a(self) -> None:
            assert self.needed == "given"
            assert self.limit == 5
            self.limit = 7

        async def test_b(self) -> None:
            assert self.limit == 5

    run = await Rehearsal(Health, values={"limit": 5, "needed": "given", "other": 3}).run()
    assert outcomes(run) == {"a": PASSED, "b": PASSED}


async def test_the_runs_own_time_limit_ends_it_and_is_ours() -> None:
    class Health(HealthSuite):
        async def test_good(self, client: Client) -> None:
            await ask(client)

        async def test_slow(self, client: Client) -> None:
            await asyncio.sleep(15)

        async def test_hangs(self, client: Client) -> None:
            await client.get("/never")

    rehearsal = Rehearsal(Health, transport=target(), run_timeout_s=10.0)
    run = await rehearsal.run()
    assert rehearsal.now_s == 10.0
    assert outcomes(run) == {"good": PASSED, "slow": UNKNOWN, "hangs": UNKNOWN}
    assert "time limit" in check_in(run, "slow").reason
    assert any("10 s" in note for note in run.notes)
    assert run.interrupted == ""
    assert action(run) is Action.INCONCLUSIVE


async def test_each_check_has_a_deadline_that_begins_when_its_resources_are_there() -> None:
    transport = ScriptedTransport({"GET /slow": answered(after_s=50), "GET /": answered()})

    @resource
    async def slow(client: Client) -> None:
        await client.get("/slow")

    class Health(HealthSuite):
        async def test_it(self, client: Client, slow: None) -> None:
            await asyncio.sleep(20)

    rehearsal = Rehearsal(
        Health, transport=transport, resources=(slow,), timeout_s=60.0, check_grace_s=1.0
    )
    assert outcomes(await rehearsal.run()) == {"it": PASSED}
    assert rehearsal.now_s == 70.0


async def test_a_wait_that_the_target_asks_for_is_told_and_remarked() -> None:
    throttled = answered(429, headers=[("Retry-After", "9")])
    transport = ScriptedTransport({"GET /a": [throttled, answered()]})

    class Health(HealthSuite):
        async def test_it(self, client: Client) -> None:
            await client.get("/a")

    rehearsal = Rehearsal(Health, transport=transport)
    run = await rehearsal.run()
    assert Waiting("GET /a is throttled (429), 9 s") in rehearsal.events
    assert check_in(run, "it").remarks == ["the target made it wait 9 s (429)"]


@pytest.mark.parametrize(
    ("kind", "connections", "counted", "means"),
    [
        pytest.param("reset", (4, 4), [4, 4], Action.PROCEED, id="one connection"),
        pytest.param("reset", (4, 5), [4, 5], Action.INVESTIGATE, id="two connections"),
        pytest.param("lost", (4, 5), [-1, -1], Action.PROCEED, id="ended under writes"),
    ],
)
async def test_what_one_lost_connection_fails_is_one_incident(
    kind: str, connections: tuple[int, int], counted: list[int], means: Action
) -> None:
    """Kept connections that the target ended under writes count as one."""
    first, second = (unanswered(kind, connection=number) for number in connections)
    transport = ScriptedTransport(
        {
            "POST /a": [first, answered()],
            "POST /b": [second, answered()],
            "GET /health": answered(),
        }
    )

    class Workflows(WorkflowSuite):
        async def test_a(self, client: Client) -> None:
            await client.post("/a")

        async def test_b(self, client: Client) -> None:
            await client.post("/b")

    run = await Rehearsal(Workflows, transport=transport).run()
    assert outcomes(run) == {"a": WARNED, "b": WARNED}
    assert [check.lost_connection for check in run.checks] == counted
    assert action(run) is means


def nothing_applies() -> type[HealthSuite]:
    class Health(HealthSuite):
        async def test_redis(self, client: Client) -> None:
            client.skip("off")

        @deprecated(since="2026-01-01")
        async def test_old(self, client: Client) -> None:
            await ask(client)

    return Health


async def test_a_required_suite_in_which_nothing_applies_is_missing() -> None:
    run = await Rehearsal(nothing_applies(), transport=target(), require=("health",)).run()
    assert outcomes(run) == {"redis": SKIPPED, "old": PASSED}
    assert [missing.suite for missing in run.missing_suites] == ["health"]
    assert action(run) is Action.INCONCLUSIVE


@pytest.mark.parametrize(("days", "missing"), [(1, ["health"]), (0, [])])
async def test_a_suite_in_which_all_is_quarantined_is_missing(
    days: int, missing: list[str]
) -> None:
    until = str(datetime.now(UTC).date() + timedelta(days=days))

    class Health(HealthSuite):
        @quarantine(until=until, reason="its plan is renewed late")
        async def test_it(self, client: Client) -> None:
            await ask(client)

    run = await Rehearsal(Health, transport=target(), require=("health",)).run()
    assert [each.suite for each in run.missing_suites] == missing
    (check,) = run.checks
    assert (check.quarantined_until, check.quarantine_reason) == (until, "its plan is renewed late")


async def test_a_part_of_a_suite_in_which_nothing_applies_is_not_missing() -> None:
    class Workflows(WorkflowSuite):
        async def test_login(self, client: Client) -> None:
            await ask(client)

    rehearsal = Rehearsal(
        nothing_applies(),
        Workflows,
        transport=target(),
        require=("health", "workflows"),
        partial=True,
    )
    run = await rehearsal.run()
    assert run.missing_suites == []
    assert action(run) is Action.PROCEED


async def test_versions_that_mix_are_noted_and_the_most_frequent_is_named() -> None:
    class Health(HealthSuite):
        async def test_it(self, client: Client) -> None:
            for version in ("2.0", "1.0", "2.0"):
                client.saw_version(version)

    run = await Rehearsal(Health).run()
    assert run.version == "2.0"
    assert run.notes == ["the target serves several versions: 1.0 in 1, 2.0 in 2 replies"]


async def test_a_listener_that_fails_does_not_prevent_the_clean_up() -> None:
    class Health(HealthSuite):
        async def test_it(self, client: Client) -> None:
            await client.post("/things", creates=("thing", "cube"))

    @removes("thing")
    async def remove(client: Client, name: str) -> bool:
        expect(await client.delete(f"/{name}")).succeeded()
        return True

    def broken(event: object) -> None:
        if isinstance(event, CheckFinished):
            raise BrokenPipeError("nobody reads this")

    transport = ScriptedTransport({"POST /things": answered(201), "DELETE /cube": answered(204)})
    rehearsal = Rehearsal(Health, transport=transport, resources=(remove,), listen=broken)
    with pytest.raises(BrokenPipeError):
        await rehearsal.run()
    assert rehearsal.journal.removals == ["cube"]


async def test_a_check_that_clings_to_life_is_left_behind() -> None:
    class Health(HealthSuite):
        async def test_clings(self, client: Client) -> None:
            while not released:
                with contextlib.suppress(BaseException):
                    await asyncio.sleep(3600)
                    await client.get("/")

    released: list[bool] = []
    transport = target()
    rehearsal = Rehearsal(Health, transport=transport, check_grace_s=80_000.0)
    asyncio.get_running_loop().call_later(2, rehearsal.engine.interrupt, "SIGTERM")
    run = await rehearsal.run()
    assert outcomes(run) == {"clings": UNKNOWN}
    assert rehearsal.now_s <= 6.0
    released.append(True)
    await asyncio.sleep(4000)
    assert transport.lines == []
