"""Waiting until the target has settled, and what it means if it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from smokegate.checks import HealthSuite
from smokegate.client import Client
from smokegate.client.transport import Request
from smokegate.engine import Waiting
from smokegate.expectations import expect
from smokegate.results import Action, CheckResult, Consequence, Outcome, Run
from smokegate.settings import Settings

from tests.gate.engine.rehearsal import Rehearsal, action, check_in
from tests.gate.scripted_transport import Handler, ScriptedTransport, Step, answered, unanswered

pytestmark = pytest.mark.virtual_clock

OLD, NEW = answered(document={"version": "1.0"}), answered(document={"version": "1.1"})
BUSY, DOWN = answered(503), unanswered("refused")


def one() -> type[HealthSuite]:
    class Health(HealthSuite):
        async def test_it(self, client: Client) -> None:
            expect(await client.get("/it")).status(200)

    return Health


def by_time(*steps: tuple[float, Step | Handler]) -> Handler:
    """Answer with the last step whose time has come, counted from the first request."""
    begun: list[float] = []

    def answer(request: Request) -> Step | Awaitable[Step]:
        now = asyncio.get_running_loop().time()
        begun.append(now)
        found = [step for at_s, step in steps if at_s <= now - begun[0]][-1]
        return found if isinstance(found, Step) else found(request)

    return answer


def alternating(*steps: Step) -> Handler:
    given: list[int] = []

    def answer(request: Request) -> Step:
        given.append(0)
        return steps[len(given) % len(steps)]

    return answer


def rehearsal(health: Any, **settings: Any) -> Rehearsal:
    transport = ScriptedTransport({"GET /health": health, "GET /it": answered()})
    return Rehearsal(one(), transport=transport, **{"wait_s": 10.0, **settings})


def settling_in(run: Run) -> CheckResult:
    (found,) = (probe for probe in run.probes if probe.id == "run.settling")
    return found


def asked(rehearsed: Rehearsal) -> int:
    """How many requests went to /health."""
    assert isinstance(rehearsed.transport, ScriptedTransport)
    return rehearsed.transport.lines.count("GET /health")


async def test_a_target_that_is_ready_costs_one_round_of_fresh_connections() -> None:
    rehearsed = rehearsal(NEW)
    run = await rehearsed.run()
    assert settling_in(run).outcome is Outcome.PASSED
    assert isinstance(rehearsed.transport, ScriptedTransport)
    first = rehearsed.transport.sent[:10]
    assert [sent.line for sent in first] == ["GET /health"] * 10
    assert all(sent.request.fresh for sent in first)
    assert (asked(rehearsed), rehearsed.now_s) == (10, 0.2)
    assert (run.version, action(run)) == ("1.1", Action.PROCEED)


async def test_it_is_not_waited_for_where_nobody_wants_that() -> None:
    rehearsed = rehearsal(NEW, wait_s=0.0)
    assert (await rehearsed.run()).probes == []
    assert asked(rehearsed) == 0


@pytest.mark.parametrize("not_yet", [BUSY, DOWN, answered(500), unanswered("silent")])
async def test_what_becomes_ready_in_time_is_judged_then(not_yet: Step) -> None:
    rehearsed = rehearsal(by_time((0, not_yet), (6, NEW)))
    run = await rehearsed.run()
    assert (settling_in(run).outcome, action(run)) == (Outcome.PASSED, Action.PROCEED)
    assert 6 <= check_in(run, "it").attempts[0].started_s <= 8.5


async def test_what_is_being_waited_for_is_told_once() -> None:
    rehearsed = rehearsal(by_time((0, BUSY), (6, NEW)))
    await rehearsed.run()
    told = [event.reason for event in rehearsed.events if isinstance(event, Waiting)]
    assert told == ["not ready: status 503"]


async def test_who_is_not_there_is_asked_by_one_at_a_time() -> None:
    rehearsed = rehearsal(BUSY)
    await rehearsed.run()
    assert 15 <= asked(rehearsed) <= 20


async def test_a_pause_that_the_target_asks_for_is_kept() -> None:
    told_to_wait = answered(503, headers=[("Retry-After", "7")])
    rehearsed = rehearsal(by_time((0, told_to_wait), (6, NEW)))
    run = await rehearsed.run()
    assert settling_in(run).outcome is Outcome.PASSED
    assert asked(rehearsed) == 21  # ten, one after the pause, then ten at once
    assert 7 <= check_in(run, "it").attempts[0].started_s <= 7.5


@pytest.mark.parametrize(("never", "seen"), [(BUSY, "status 503"), (DOWN, "connection refused")])
async def test_what_does_not_become_ready_means_rollback(never: Step, seen: str) -> None:
    rehearsed = rehearsal(never)
    run = await rehearsed.run()
    settling = settling_in(run)
    assert (settling.outcome, settling.consequence) == (Outcome.FAILED, Consequence.ROLLBACK)
    assert seen in settling.reason
    assert action(run) is Action.ROLLBACK
    assert 10 <= settling.duration_s < 13


async def test_what_is_down_is_not_waited_for_again_by_every_check() -> None:
    class Silent(HealthSuite):
        async def test_it(self, client: Client) -> None:
            await client.get("/silent")

    silent = unanswered("silent", after_s=float("inf"))
    transport = ScriptedTransport({"GET /health": silent, "GET /silent": silent})
    rehearsed = Rehearsal(Silent, transport=transport, wait_s=10.0)
    run = await rehearsed.run()
    assert run.down.startswith("GET /health: ")
    assert len(check_in(run, "it").attempts) == 1
    assert check_in(run, "it").duration_s == 5.0


async def test_what_never_answers_because_of_us_is_nobodys_failure() -> None:
    run = await rehearsal(unanswered("unreachable")).run()
    assert settling_in(run).outcome is Outcome.UNKNOWN
    assert action(run) is Action.INCONCLUSIVE


async def test_a_name_that_does_not_exist_is_no_reason_to_roll_back() -> None:
    run = await rehearsal(unanswered("name_missing")).run()
    settling = settling_in(run)
    assert (settling.outcome, settling.consequence) == (Outcome.FAILED, Consequence.INVESTIGATE)


async def test_a_load_balancer_in_the_middle_of_a_switch_is_waited_for() -> None:
    mixed = alternating(OLD, NEW)

    def switching(request: Request) -> Step:
        return mixed(request) if early(request) is BUSY else NEW  # type: ignore[return-value]

    early = by_time((0, BUSY), (4, NEW))
    run = await rehearsal(switching, expect_version="1.1").run()
    assert settling_in(run).outcome is Outcome.PASSED
    assert action(run) is Action.PROCEED


@pytest.mark.parametrize("wanted", ["1.1", ""])
async def test_versions_that_still_mix_mean_investigate_and_are_counted(wanted: str) -> None:
    run = await rehearsal(alternating(OLD, NEW), expect_version=wanted).run()
    settling = settling_in(run)
    assert (settling.outcome, settling.consequence) == (Outcome.FAILED, Consequence.INVESTIGATE)
    assert "1.0 in 5 of 10 (50.0%)" in settling.reason
    assert "1.1 in 5 of 10 (50.0%)" in settling.reason
    assert action(run) is Action.INVESTIGATE


async def test_two_builds_of_the_expected_version_mix_as_two_versions_do() -> None:
    one, other = (answered(document={"version": f"1.1+{build}"}) for build in "ab")
    run = await rehearsal(alternating(one, other), expect_version="1.1").run()
    assert "1.1+a in 5 of 10 (50.0%)" in settling_in(run).reason
    assert action(run) is Action.INVESTIGATE
    assert action(await rehearsal(one, expect_version="1.1").run()) is Action.PROCEED


@pytest.mark.parametrize("wanted", ["1.1", ""])
async def test_who_tells_no_version_among_those_who_do_is_another_version(wanted: str) -> None:
    for silent in answered(), answered(404), answered(document={"version": 11}):
        run = await rehearsal(alternating(silent, NEW), expect_version=wanted).run()
        assert "none told in 5 of 10 (50.0%)" in settling_in(run).reason
        assert action(run) is Action.INVESTIGATE


async def test_several_that_are_not_ready_at_the_end_mean_investigate() -> None:
    run = await rehearsal(alternating(BUSY, NEW)).run()
    settling = settling_in(run)
    assert (settling.outcome, settling.consequence) == (Outcome.FAILED, Consequence.INVESTIGATE)
    assert settling.reason.endswith("saw 5 of 10: status 503")
    assert run.down == ""


async def test_a_single_connection_that_is_lost_at_the_end_is_a_warning() -> None:
    steps = iter([unanswered("reset")])
    run = await rehearsal(lambda _: next(steps, NEW), wait_s=0.0, expect_version="1.1").run()
    assert settling_in(run).outcome is Outcome.WARNED
    assert action(run) is Action.PROCEED


async def test_one_reply_alone_does_not_show_that_a_target_has_settled() -> None:
    """It comes at the last moment, after nobody had answered."""
    run = await rehearsal(by_time((0, DOWN), (9.9, alternating(OLD, NEW)))).run()
    assert "in 5 of 10 (50.0%)" in settling_in(run).reason


async def test_who_throttles_does_not_say_whether_it_is_ready() -> None:
    run = await rehearsal(answered(429)).run()
    assert settling_in(run).outcome is Outcome.UNKNOWN
    assert action(run) is Action.INCONCLUSIVE
    run = await rehearsal(by_time((0, answered(429)), (5, NEW))).run()
    assert action(run) is Action.PROCEED


async def test_only_the_last_round_is_kept() -> None:
    run = await rehearsal(OLD, expect_version="1.1").run()
    (attempt,) = settling_in(run).attempts
    assert len(attempt.exchanges) == 10
    assert attempt.requests > 50


async def test_what_fails_while_the_old_version_is_served_everywhere_is_not_the_new_ones() -> None:
    class Health(HealthSuite):
        async def test_it(self, client: Client) -> None:
            expect(await client.get("/new")).status(200)

    for wait_s in 0.0, 2.0:
        transport = ScriptedTransport({"GET /health": OLD, "GET /new": answered(404)})
        run = await Rehearsal(
            Health, transport=transport, wait_s=wait_s, expect_version="1.1"
        ).run()
        assert run.stale == "1.0 in 10 of 10 (100.0%)"
        assert (check_in(run, "it").outcome, action(run)) == (Outcome.FAILED, Action.INVESTIGATE)


async def test_what_fails_where_versions_mix_or_are_not_told_counts_in_full() -> None:
    class Health(HealthSuite):
        async def test_it(self, client: Client) -> None:
            expect(await client.get("/new")).status(200)

    for health in alternating(OLD, NEW), alternating(OLD, answered()), alternating(OLD, BUSY):
        transport = ScriptedTransport({"GET /health": health, "GET /new": answered(404)})
        run = await Rehearsal(Health, transport=transport, wait_s=1.0, expect_version="1.1").run()
        assert (run.stale, action(run)) == ("", Action.ROLLBACK)


async def test_the_old_version_everywhere_means_investigate() -> None:
    run = await rehearsal(OLD, expect_version="1.1").run()
    assert "1.0 in 10 of 10 (100.0%)" in settling_in(run).reason
    assert (run.version, action(run)) == ("1.0", Action.INVESTIGATE)


@pytest.mark.parametrize(("told", "wanted"), [("1.1", "v1.1"), ("3f78685", "3f786850" + "e" * 32)])
async def test_a_version_may_be_written_in_another_way(told: str, wanted: str) -> None:
    document = {"version": told}
    run = await rehearsal(answered(document=document), expect_version=wanted).run()
    assert settling_in(run).outcome is Outcome.PASSED
    assert (run.stale, run.version) == ("", told)


async def test_an_expected_version_is_looked_for_even_without_a_wait() -> None:
    run = await rehearsal(OLD, expect_version="1.1", wait_s=0.0).run()
    assert action(run) is Action.INVESTIGATE


async def test_an_expected_version_that_no_reply_tells_means_investigate() -> None:
    run = await rehearsal(answered(document=["1.1"]), expect_version="1.1").run()
    assert settling_in(run).reason.endswith("saw no reply that says its version")
    assert action(run) is Action.INVESTIGATE


async def test_a_version_may_stand_elsewhere() -> None:
    transport = ScriptedTransport(
        {
            "GET /health": by_time((0, BUSY), (4, OLD)),
            "GET /about": answered(document={"build": {"tag": "1.1"}}),
            "GET /it": answered(),
        }
    )
    rehearsed = Rehearsal(
        one(),
        transport=transport,
        wait_s=10.0,
        expect_version="1.1",
        version_path="/about",
        version_field="build.tag",
    )
    run = await rehearsed.run()
    assert (settling_in(run).outcome, run.version) == (Outcome.PASSED, "1.1")
    assert check_in(run, "it").attempts[0].started_s >= 4


async def test_a_target_without_a_health_route_is_ready() -> None:
    assert action(await rehearsal(answered(404)).run()) is Action.PROCEED


async def test_connections_go_to_every_address_in_turn() -> None:
    rehearsed = rehearsal(NEW)
    assert isinstance(rehearsed.transport, ScriptedTransport)
    rehearsed.transport.addresses = ["192.0.2.1", "192.0.2.2"]
    await rehearsed.run()
    first = [sent.request.address for sent in rehearsed.transport.sent[:10]]
    assert first == ["192.0.2.1", "192.0.2.2"] * 5


async def test_an_interruption_ends_the_wait() -> None:
    rehearsed = rehearsal(BUSY)
    asyncio.get_running_loop().call_later(3, rehearsed.engine.interrupt, "SIGTERM")
    run = await rehearsed.run()
    assert action(run) is Action.INCONCLUSIVE
    assert 3 <= rehearsed.now_s < 4


async def test_no_secret_is_told_while_it_waits() -> None:
    secret, more = Settings().test_password, answered(document={"version": "1.1"})
    rehearsed = rehearsal(alternating(answered(document={"version": f"as {secret}"}), more))
    await rehearsed.run()
    told = [event.reason for event in rehearsed.events if isinstance(event, Waiting)]
    assert told[0].startswith("not settled: ")
    assert "as [redacted] in 5 of 10" in told[0]
