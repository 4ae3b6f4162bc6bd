"""Every address of the target's name: which one is dead, and what that means."""

from __future__ import annotations

from typing import Any

import pytest
from smokegate.checks import HealthSuite
from smokegate.client import Client
from smokegate.client.transport import Request
from smokegate.results import CheckResult, Consequence, Outcome, Run

from tests.gate.engine.rehearsal import Rehearsal
from tests.gate.scripted_transport import ScriptedTransport, Step, answered, unanswered

pytestmark = pytest.mark.virtual_clock

V4, OTHER_V4, V6, OTHER_V6 = "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"
REFUSED, NO_ROUTE = unanswered("refused"), unanswered("unreachable")
MONITOR, INVESTIGATE = Consequence.MONITOR, Consequence.INVESTIGATE


def rehearsal(addresses: list[str], dead: dict[str, list[Step]], **settings: Any) -> Rehearsal:
    """A run whose only check passes; what is dead takes its steps one after the other."""

    class Health(HealthSuite):
        async def test_it(self, client: Client) -> None:
            await client.get("/it")

    def answer(request: Request) -> Step:
        left = dead.get(request.address, [answered()])
        return left.pop(0) if len(left) > 1 else left[0]

    transport = ScriptedTransport({"GET /health": answer, "GET /it": answered()})
    transport.addresses = addresses
    return Rehearsal(Health, transport=transport, **settings)


def probe_in(run: Run) -> CheckResult | None:
    return next((probe for probe in run.probes if probe.id == "run.addresses"), None)


async def probed(*addresses: str, **dead: Step) -> CheckResult:
    """Try addresses; those given as v4, other_v4, v6, other_v6 are dead in their own way."""
    names = {"v4": V4, "other_v4": OTHER_V4, "v6": V6, "other_v6": OTHER_V6}
    steps = {names[name]: [step] for name, step in dead.items()}
    result = probe_in(await rehearsal(list(addresses), steps).run())
    assert result is not None
    return result


async def test_all_alive_is_well() -> None:
    result = await probed(V4, OTHER_V4, V6)
    assert (result.outcome, len(result.attempts[0].expectations)) == (Outcome.PASSED, 3)


async def test_a_single_address_needs_no_probe() -> None:
    assert probe_in(await rehearsal([V4], {}).run()) is None


async def test_half_of_the_addresses_of_this_machine_may_be_idle() -> None:
    url = "http://localhost:8000"
    assert probe_in(await rehearsal([V4, V6], {V6: [REFUSED]}, url=url).run()) is None


@pytest.mark.parametrize("dead", [REFUSED, unanswered("silent"), answered(502)])
async def test_a_dead_one_among_others_means_investigate_and_is_named(dead: Step) -> None:
    result = await probed(V4, OTHER_V4, V6, other_v4=dead)
    assert (result.outcome, result.consequence) == (Outcome.FAILED, INVESTIGATE)
    assert f"the address {OTHER_V4} answers" in result.reason


async def test_a_whole_family_that_clients_fall_back_from_means_monitor() -> None:
    result = await probed(V6, V4, v6=REFUSED)
    assert (result.outcome, result.consequence) == (Outcome.FAILED, MONITOR)


async def test_a_timeout_counts_as_well_where_another_address_let_us_in() -> None:
    result = await probed(V6, V4, v6=unanswered("connect_timeout", after_s=3.0))
    assert (result.outcome, result.consequence) == (Outcome.FAILED, MONITOR)


async def test_a_part_of_a_family_means_investigate() -> None:
    result = await probed(V6, OTHER_V6, V4, v6=REFUSED)
    assert result.consequence is INVESTIGATE


async def test_those_without_the_newer_family_have_nothing_to_fall_back_to() -> None:
    result = await probed(V6, V4, v4=REFUSED)
    assert result.consequence is INVESTIGATE


async def test_what_has_no_route_from_here_is_a_remark() -> None:
    result = await probed(V6, V4, v6=NO_ROUTE)
    assert result.outcome is Outcome.PASSED
    (remark,) = result.remarks
    assert remark.startswith(f"{V6} could not be tried from here: ")


async def test_one_lost_connection_is_forgiven() -> None:
    run = await rehearsal([V4, OTHER_V4], {OTHER_V4: [unanswered("reset"), answered()]}).run()
    result = probe_in(run)
    assert result is not None
    assert (result.outcome, result.attempts[0].requests) == (Outcome.PASSED, 3)


async def test_none_alive_is_told_by_the_checks() -> None:
    result = await probed(V4, OTHER_V4, v4=REFUSED, other_v4=REFUSED)
    assert result.outcome is Outcome.SKIPPED


async def test_settling_and_the_sample_leave_out_what_takes_no_connection() -> None:
    rehearsed = rehearsal(
        [V4, OTHER_V4, V6], {OTHER_V4: [REFUSED]}, sample_requests=50, wait_s=10.0
    )
    assert isinstance(rehearsed.transport, ScriptedTransport)
    rehearsed.transport.idle = {OTHER_V4}
    run = await rehearsed.run()
    outcomes = {probe.name: probe.outcome for probe in run.probes}
    assert outcomes == {
        "settling": Outcome.PASSED,
        "addresses": Outcome.FAILED,
        "sampler": Outcome.PASSED,
    }
    asked = [sent.request.address for sent in rehearsed.transport.sent]
    assert asked.count(OTHER_V4) == 2  # by the probe of the addresses, and again
    assert abs(asked.count(V4) - asked.count(V6)) <= 1


async def test_idle_addresses_of_this_machine_do_not_hold_up_a_run() -> None:
    rehearsed = rehearsal(
        [V6, V4], {V6: [REFUSED]}, url="http://localhost:8000", sample_requests=50, wait_s=10.0
    )
    assert isinstance(rehearsed.transport, ScriptedTransport)
    rehearsed.transport.idle = {V6}
    run = await rehearsed.run()
    assert [probe.outcome for probe in run.probes] == [Outcome.PASSED, Outcome.PASSED]
    assert rehearsed.now_s < 3
