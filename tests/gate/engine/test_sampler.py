"""How often the target fails, measured."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from smokegate.checks import HealthSuite, exclusive
from smokegate.client import Client
from smokegate.client.transport import Request
from smokegate.engine import Waiting
from smokegate.results import Action, CheckResult, Consequence, Outcome, Run

from tests.gate.engine.rehearsal import Rehearsal, action, check_in
from tests.gate.scripted_transport import Handler, ScriptedTransport, Step, answered, unanswered

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
        assert f"{number} of 200 failed (" in result.reason
        assert len(result.attempts[0].exchanges) == number


async def test_three_failures_mean_rollback_with_their_rate() -> None:
    result = sampler_in(await rehearsal(*[answered(500)] * 3, after=100).run())
    assert (result.outcome, result.consequence) == (Outcome.FAILED, Consequence.ROLLBACK)
    assert (
        "3 of 200 failed (1.5%; 95% interval 0.3% to 4.3%), first GET /health: status 500"
        in result.reason
    )


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


async def test_a_target_that_asks_to_slow_down_is_left_alone_and_seen_less_well() -> None:
    result = sampler_in(await rehearsal(after=60, then=answered(429)).run())
    assert result.outcome is Outcome.WARNED
    assert result.remarks[0].startswith("60 requests")
    assert "ended after 60 requests: the target asked to slow down (429)" in result.reason
    assert "fails 5% of the time is seen in 58%" in result.reason
    assert result.attempts[0].requests <= 80


async def test_a_sample_that_was_cut_short_fails_by_its_own_size() -> None:
    broken = [answered(500)] * 2
    result = sampler_in(await rehearsal(*broken, after=1, then=answered(429)).run())
    assert (result.outcome, result.consequence) == (Outcome.FAILED, Consequence.ROLLBACK)
    assert "2 of 3 failed" in result.reason
    lost = sampler_in(await rehearsal(broken[0], after=2, then=answered(429)).run())
    assert lost.outcome is Outcome.WARNED


@pytest.mark.parametrize("step", [answered(429), unanswered("local")])
async def test_a_sample_without_an_answer_opens_no_gate(step: Step) -> None:
    run = await rehearsal(then=step).run()
    result = sampler_in(run)
    assert result.outcome is Outcome.UNKNOWN
    assert result.reason.startswith("no request of the sample was answered: ")
    assert action(run) is Action.INCONCLUSIVE


async def test_a_sample_that_nothing_but_429_answers_is_taken_again_as_slowly_as_asked() -> None:
    later = answered(429, headers=[("Retry-After", "4")])
    slowed = rehearsal(*[later] * 8)
    run = await slowed.run()
    result = sampler_in(run)
    assert (result.outcome, action(run)) == (Outcome.WARNED, Action.PROCEED)
    assert Waiting("GET /health is throttled (429), 4 s") in slowed.events
    assert result.remarks[0].endswith("none was answered; asked again, one at a time")
    assert result.duration_s <= 31
    never = answered(429, headers=[("Retry-After", "600")])
    rehearsed = rehearsal(then=never)
    refused = sampler_in(await rehearsed.run())
    assert refused.outcome is Outcome.UNKNOWN
    assert not any(isinstance(event, Waiting) for event in rehearsed.events)
    assert refused.duration_s < 1  # nobody waits for what there is no time for


def limiting(per_second: float, refusal: Step) -> Handler:
    """Refuse whoever comes sooner after the one before than that."""
    last = [0.0]

    def answer(request: Request) -> Step:
        now = asyncio.get_running_loop().time()
        if now - last[0] < 1 / per_second:
            return refusal
        last[0] = now
        return OK

    return answer


@pytest.mark.parametrize("refusal", [answered(503), unanswered("reset"), unanswered("refused")])
async def test_who_limits_rates_is_asked_again_slowly(refusal: Step) -> None:
    rehearsed = rehearsal()
    assert isinstance(rehearsed.transport, ScriptedTransport)
    rehearsed.transport.routes["GET /health"] = limiting(30, refusal)
    result = sampler_in(await rehearsed.run())
    assert result.outcome is Outcome.PASSED
    assert "asked by many at once, " in result.remarks[0]
    assert result.remarks[1].startswith("200 requests")


async def test_what_fails_when_asked_slowly_too_means_rollback() -> None:
    result = sampler_in(await rehearsal(then=answered(503)).run())
    assert (result.outcome, result.consequence) == (Outcome.FAILED, Consequence.ROLLBACK)


async def test_other_errors_need_no_second_sample() -> None:
    result = sampler_in(await rehearsal(*[answered(500)] * 3, answered(503)).run())
    assert result.consequence is Consequence.ROLLBACK
    assert result.attempts[0].requests == 200


async def test_the_limit_may_be_higher_than_what_is_usually_enough() -> None:
    sizes: dict[str, Any] = {"sample_requests": 1_000, "sample_failures": 50}
    seldom, often = [*[OK] * 24, answered(500)], [*[OK] * 11, answered(500)]
    for steps, outcome in (
        (often * 84, Outcome.FAILED),
        (seldom * 10 + often * 63, Outcome.FAILED),
        (seldom * 40, Outcome.WARNED),
    ):
        assert sampler_in(await rehearsal(*steps, **sizes).run()).outcome is outcome


async def test_further_paths_are_sampled_at_every_address() -> None:
    rehearsed = rehearsal(sample_paths=("/plans",), expect_version="1.1")
    assert isinstance(rehearsed.transport, ScriptedTransport)
    rehearsed.transport.addresses = ["192.0.2.1", "192.0.2.2"]
    rehearsed.transport.routes["GET /plans"] = answered(401)
    assert sampler_in(await rehearsed.run()).outcome is Outcome.PASSED
    asked = Counter(
        (sent.line, sent.request.address)
        for sent in rehearsed.transport.sent
        if sent.request.address
    )
    assert sorted(asked) == [
        (f"GET {path}", f"192.0.2.{number}") for path in ("/health", "/plans") for number in (1, 2)
    ]
    assert min(asked.values()) >= 50
    rehearsed = rehearsal(sample_paths=("/plans",))
    assert isinstance(rehearsed.transport, ScriptedTransport)
    rehearsed.transport.routes["GET /plans"] = answered(500)
    assert "GET /plans: status 500" in sampler_in(await rehearsed.run()).reason


async def test_who_does_not_tell_its_version_among_those_who_do_is_found() -> None:
    result = sampler_in(await rehearsal(answered(404), after=30).run())
    assert result.consequence is Consequence.INVESTIGATE
    assert "1.1 in 199 of 200 (99.5%), none told in 1 of 200 (0.5%)" in result.reason


async def test_where_the_version_is_told_elsewhere_health_is_not_read_for_it() -> None:
    rehearsed = rehearsal(version_path="/about", expect_version="2.0")
    assert isinstance(rehearsed.transport, ScriptedTransport)
    rehearsed.transport.routes["GET /about"] = answered(document={"version": "2.0"})
    assert sampler_in(await rehearsed.run()).outcome is Outcome.PASSED


async def test_a_redirect_within_the_origin_is_followed() -> None:
    moved = answered(308, headers=[("Location", "/health/")])
    rehearsed = rehearsal(then=moved, expect_version="1.1")
    assert isinstance(rehearsed.transport, ScriptedTransport)
    rehearsed.transport.routes["GET /health/"] = OK
    assert action(await rehearsed.run()) is Action.PROCEED


async def test_only_what_failed_is_kept_meanwhile() -> None:
    rehearsed = rehearsal(answered(500), after=150)
    result = sampler_in(await rehearsed.run())
    (kept,) = result.attempts[0].exchanges
    assert kept.status == 500
    assert kept.number > 100


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
