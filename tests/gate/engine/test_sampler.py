"""How often the target fails, measured."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from smokegate.checks import HealthSuite, exclusive
from smokegate.client import Client
from smokegate.client.transport import Request
from smokegate.results import CheckResult, Consequence, Outcome, Run

from tests.gate.engine.rehearsal import Rehearsal, check_in
from tests.gate.scripted_transport import ScriptedTransport, Step, answered, unanswered

pytestmark = pytest.mark.virtual_clock

OK = answered(document={"version": "1.1"})


def rehearsal(
    *failures: Step, after: int = 0, then: Step = OK, partial: bool = False, **settings: Any
) -> Rehearsal:
    """A run in which, after some replies, a request is answered by each failure in turn."""

    class Health(HealthSuite):
        @exclusive()
        async def test_it(self, client: Client) -> None:
            await client.get("/it")

    steps = iter([OK] * after + list(failures))

    def answer(request: Request) -> Step:
        return next(steps, then)

    transport = ScriptedTransport({"GET /health": answer, "GET /it": answered()})
    known = {"sample_requests": 200, **settings}
    return Rehearsal(Health, transport=transport, partial=partial, **known)


def sampler_in(run: Run) -> CheckResult:
    (found,) = (probe for probe in run.probes if probe.id == "run.sampler")
    return found


async def test_a_steady_target_passes_and_the_power_is_told() -> None:
    rehearsed = rehearsal()
    result = sampler_in(await rehearsed.run())
    assert (result.outcome, result.attempts[0].requests) == (Outcome.PASSED, 200)
    assert result.attempts[0].exchanges == []
    (remark,) = result.remarks
    assert "99.8% probability if 5% of all requests fail" in remark
    assert "0.11% if 0.1% do" in remark
    assert isinstance(rehearsed.transport, ScriptedTransport)
    assert all(sent.request.fresh for sent in rehearsed.transport.sent[:200])


@pytest.mark.parametrize("failure", [answered(500), answered(503), unanswered("reset")])
async def test_one_or_two_failures_warn(failure: Step) -> None:
    for number in (1, 2):
        result = sampler_in(await rehearsal(*[failure] * number, after=50).run())
        assert result.outcome is Outcome.WARNED
        assert f"{number} of 200 (" in result.reason
        assert len(result.attempts[0].exchanges) == number


async def test_three_failures_mean_rollback_with_their_rate() -> None:
    result = sampler_in(await rehearsal(*[answered(500)] * 3, after=100).run())
    assert (result.outcome, result.consequence) == (Outcome.FAILED, Consequence.ROLLBACK)
    assert "3 of 200 (1.5%; 95% interval 0.3% to 4.3%), first status 500" in result.reason


@pytest.mark.parametrize("failure", [answered(507), unanswered("certificate_expired")])
async def test_failures_that_rolling_back_does_not_cure_mean_investigate(failure: Step) -> None:
    result = sampler_in(await rehearsal(*[failure] * 3, after=50).run())
    assert (result.outcome, result.consequence) == (Outcome.FAILED, Consequence.INVESTIGATE)
    mixed = sampler_in(await rehearsal(failure, failure, answered(500), after=50).run())
    assert mixed.consequence is Consequence.ROLLBACK


async def test_the_sizes_are_settings() -> None:
    result = sampler_in(await rehearsal(answered(500), sample_requests=50, sample_failures=1).run())
    assert "1 of 50" in result.reason
    assert result.consequence is Consequence.ROLLBACK
    run = await rehearsal(sample_requests=0).run()
    assert run.probes == []


async def test_what_fails_all_the_time_is_not_asked_to_the_end() -> None:
    result = sampler_in(await rehearsal(then=answered(500)).run())
    assert result.consequence is Consequence.ROLLBACK
    assert 10 <= result.attempts[0].requests < 40


async def test_a_refusal_of_what_was_asked_is_no_failure() -> None:
    assert sampler_in(await rehearsal(then=answered(404)).run()).outcome is Outcome.PASSED


async def test_a_target_that_asks_to_slow_down_is_left_alone() -> None:
    result = sampler_in(await rehearsal(after=60, then=answered(429)).run())
    assert result.outcome is Outcome.PASSED
    assert result.remarks[0].startswith("60 requests")
    assert result.remarks[1].endswith("slow down (429)")
    assert result.attempts[0].requests <= 80


async def test_a_sample_without_an_answer_says_nothing() -> None:
    result = sampler_in(await rehearsal(then=answered(429)).run())
    assert result.outcome is Outcome.SKIPPED


async def test_what_did_not_get_out_is_not_the_targets() -> None:
    result = sampler_in(await rehearsal(*[unanswered("local")] * 5, after=10).run())
    assert result.outcome is Outcome.PASSED
    assert result.remarks[1].startswith("5 requests did not get out: ")


@pytest.mark.parametrize("wanted", ["", "1.1"])
async def test_an_instance_of_another_version_is_found(wanted: str) -> None:
    old = answered(document={"version": "1.0"})
    result = sampler_in(await rehearsal(old, after=30, expect_version=wanted).run())
    assert result.consequence is Consequence.INVESTIGATE
    assert "1.1 in 199 of 200 (99.5%), 1.0 in 1 of 200 (0.5%)" in result.reason


async def test_a_service_that_does_one_thing_at_a_time_is_not_overrun() -> None:
    busy = asyncio.Lock()

    async def one_by_one(request: Request) -> Step:
        async with busy:
            await asyncio.sleep(2.0)
        return OK

    rehearsed = rehearsal()
    assert isinstance(rehearsed.transport, ScriptedTransport)
    rehearsed.transport.routes["GET /health"] = one_by_one
    run = await rehearsed.run()
    result = sampler_in(run)
    assert result.outcome is Outcome.PASSED
    assert rehearsed.transport.most_at_once == 5
    assert 10 <= result.attempts[0].requests <= 20
    assert result.duration_s < 45
    assert result.remarks[0].startswith(f"{result.attempts[0].requests} requests")


async def test_a_part_of_the_checks_needs_no_sample() -> None:
    assert (await rehearsal(partial=True).run()).probes == []


async def test_it_is_over_before_a_check_that_runs_alone() -> None:
    run = await rehearsal().run()
    sampler, check = sampler_in(run), check_in(run, "it")
    assert check.attempts[0].started_s >= sampler.duration_s
