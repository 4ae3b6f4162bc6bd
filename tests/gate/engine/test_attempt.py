"""One attempt: how it ends decides what is recorded, whatever the check does with exceptions."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable

import pytest
from smokegate.client import Client
from smokegate.engine.attempt import Attempts, Ended
from smokegate.engine.conclusion import lost_connection_of
from smokegate.errors import ExpectationFailed, JournalError, NotApplicable
from smokegate.expectations import INVESTIGATE, MONITOR, WARN, expect
from smokegate.results import Consequence, Outcome

from tests.gate.clients import bound
from tests.gate.scripted_transport import NEVER, ScriptedTransport, answered, unanswered

pytestmark = pytest.mark.virtual_clock

Work = Callable[[Client], Awaitable[object]]
FAILED, UNKNOWN, SKIPPED = Outcome.FAILED, Outcome.UNKNOWN, Outcome.SKIPPED
PASSED, WARNED = Outcome.PASSED, Outcome.WARNED


def routes() -> ScriptedTransport:
    return ScriptedTransport(
        {
            "GET /": answered(200, {"name": "cube"}),
            "GET /500": answered(500),
            "GET /refused": unanswered("refused"),
            "GET /local": unanswered("local"),
            "GET /never": NEVER,
            "GET /busy": answered(429, headers=[("Retry-After", "600")]),
        }
    )


async def attempt(
    work: Work,
    transport: ScriptedTransport | None = None,
    *,
    consequence: Consequence = Consequence.ROLLBACK,
    deadline_s: float = 60.0,
) -> Ended:
    session = bound(transport or routes(), timeout_s=100.0).session
    return await Attempts(session, deadline_s).make("health.test_it", 1, consequence, work)


async def passes(client: Client) -> None:
    expect(await client.get("/")).status(200)


async def expects(client: Client) -> None:
    expect(await client.get("/500")).status(200)


async def asserts(client: Client) -> None:
    assert (await client.get("/500")).status == 200


async def reads_what_is_not_there(client: Client) -> None:
    (await client.get("/")).read(str, "nothing")


async def is_refused(client: Client) -> None:
    await client.get("/refused")


async def swallows_a_failed_expectation(client: Client) -> None:
    with contextlib.suppress(Exception):
        expect(await client.get("/500")).status(200)


async def swallows_everything(client: Client) -> None:
    with contextlib.suppress(BaseException):
        await client.get("/refused")


async def fails_in_a_group(client: Client) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(passes(client))
        group.create_task(expects(client))


async def fails_in_a_nested_group(client: Client) -> None:
    raise ExceptionGroup("outer", [ExceptionGroup("inner", [ValueError("x"), AssertionError("y")])])


async def fails_as_pytest_does(client: Client) -> None:
    pytest.fail("as pytest says")


async def has_its_own_bug(client: Client) -> None:
    raise ZeroDivisionError("a bug")


async def has_local_trouble(client: Client) -> None:
    await client.get("/local")


async def swallows_local_trouble(client: Client) -> None:
    with contextlib.suppress(Exception):
        await client.get("/local")


async def is_throttled(client: Client) -> None:
    await client.get("/busy")


async def cannot_write_its_journal(client: Client) -> None:
    raise JournalError("journal x: No space left on device")


async def exits(client: Client) -> None:
    sys.exit(0)


async def is_cancelled_by_what_it_waits_for(client: Client) -> None:
    task = asyncio.create_task(client.get("/never"))
    await asyncio.sleep(1)
    task.cancel()
    await task


async def raises_a_group_of_cancellations(client: Client) -> None:
    raise BaseExceptionGroup("x", [asyncio.CancelledError()])


async def times_out_by_itself(client: Client) -> None:
    async with asyncio.timeout(1):
        await asyncio.sleep(2)


async def skips(client: Client) -> None:
    client.skip("no Redis here")


async def skips_as_pytest_does(client: Client) -> None:
    pytest.skip("no Redis here")


async def warns(client: Client) -> None:
    client.warn("slow")


@pytest.mark.parametrize(
    ("work", "outcome", "reason"),
    [
        (passes, PASSED, ""),
        (expects, FAILED, "GET /500: expected that status is 200; saw 500"),
        (asserts, FAILED, "assert 500 == 200"),
        (reads_what_is_not_there, FAILED, "GET /: expected that $.nothing is there"),
        (is_refused, FAILED, "GET /refused: connection refused"),
        (swallows_a_failed_expectation, FAILED, "GET /500: expected that status is 200; saw 500"),
        (swallows_everything, FAILED, "GET /refused: connection refused"),
        (fails_in_a_group, FAILED, "GET /500: expected that status is 200; saw 500"),
        (fails_in_a_nested_group, FAILED, "y"),
        (fails_as_pytest_does, FAILED, "as pytest says"),
        (has_its_own_bug, UNKNOWN, "ZeroDivisionError in the check: a bug"),
        (has_local_trouble, UNKNOWN, "GET /local: the runner could not make the request"),
        (swallows_local_trouble, UNKNOWN, "GET /local: the runner could not make the request"),
        (is_throttled, UNKNOWN, "GET /busy: throttled (429), asked to wait 600 s"),
        (cannot_write_its_journal, UNKNOWN, "journal x: No space left on device"),
        (exits, UNKNOWN, "SystemExit in the check: 0"),
        (is_cancelled_by_what_it_waits_for, UNKNOWN, "CancelledError in the check: "),
        (raises_a_group_of_cancellations, UNKNOWN, "CancelledError in the check: "),
        (times_out_by_itself, UNKNOWN, "TimeoutError in the check:"),
        (skips, SKIPPED, "no Redis here"),
        (skips_as_pytest_does, SKIPPED, "no Redis here"),
        (warns, WARNED, "slow"),
    ],
)
async def test_how_it_ends(work: Work, outcome: Outcome, reason: str) -> None:
    ended = await attempt(work)
    assert (ended.outcome, ended.attempt.reason[: len(reason)]) == (outcome, reason)
    assert bool(ended.attempt.reason) is (outcome is not PASSED)
    assert bool(ended.attempt.traceback) is (outcome in (FAILED, UNKNOWN) and not _swallows(work))


def _swallows(work: Work) -> bool:
    return getattr(work, "__name__", "").startswith("swallows")


async def test_a_failure_outweighs_a_later_skip_and_a_later_bug() -> None:
    async def work(client: Client) -> None:
        with contextlib.suppress(ExpectationFailed):
            await expects(client)
        raise NotApplicable("not here")

    assert (await attempt(work)).outcome is FAILED


async def test_a_skip_does_not_hide_what_failed_softly() -> None:
    async def work(client: Client) -> None:
        expect(await client.get("/"), or_else=INVESTIGATE).header("X-Missing")
        client.skip("the rest")

    assert (await attempt(work)).outcome is FAILED


async def test_a_warning_alone_does_not_fail() -> None:
    async def work(client: Client) -> None:
        expect(await client.get("/"), or_else=WARN).header("X-Missing")

    ended = await attempt(work)
    assert ended.outcome is WARNED
    assert "X-Missing" in ended.attempt.reason


async def test_a_check_that_only_warns_cannot_fail() -> None:
    ended = await attempt(asserts, consequence=Consequence.WARN)
    assert ended.outcome is WARNED


async def test_the_reason_is_the_worst_failure_and_one_line() -> None:
    async def work(client: Client) -> None:
        reply = await client.get("/")
        expect(reply, or_else=MONITOR).that("a", False)
        expect(reply, or_else=INVESTIGATE).that("b", False)

    async def says_much(client: Client) -> None:
        raise AssertionError("one\ntwo\n   three" + "x" * 100_000)

    assert "expected that b" in (await attempt(work)).attempt.reason
    reason = (await attempt(says_much)).attempt.reason
    assert reason.startswith("one two three")
    assert len(reason) <= 2000


async def test_an_assert_beside_soft_failures_is_told() -> None:
    async def work(client: Client) -> None:
        reply = await client.get("/")
        expect(reply, or_else=MONITOR).that("a", False)
        assert reply.status == 201

    assert (await attempt(work)).attempt.asserted
    assert not (await attempt(expects)).attempt.asserted
    assert not (await attempt(is_refused)).attempt.asserted


async def test_odd_exceptions_are_told_too() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError("no words")

    async def mute(client: Client) -> None:
        raise Mute

    async def never_raised(client: Client) -> None:
        raise ExceptionGroup("by hand", [AssertionError()])

    async def chained(client: Client) -> None:
        error: Exception = ValueError("first")
        for number in range(2000):
            following = ValueError(f"{number}")
            following.__context__ = error
            error = following
        raise error

    assert "Mute in the check" in (await attempt(mute)).attempt.reason
    assert (await attempt(never_raised)).attempt.reason == "an assertion failed"
    assert (await attempt(chained)).outcome is UNKNOWN


async def test_a_traceback_shows_the_check_and_not_the_engine() -> None:
    ended = await attempt(expects)
    assert "in expects" in ended.attempt.traceback
    assert "smokegate/engine" not in ended.attempt.traceback
    assert "expectations.py" not in ended.attempt.traceback


async def test_the_deadline_is_the_targets_while_it_is_waited_for() -> None:
    async def work(client: Client) -> None:
        await client.get("/never")

    ended = await attempt(work, deadline_s=5)
    assert ended.outcome is FAILED
    assert "deadline ran out while waiting for the reply" in ended.attempt.reason
    assert ended.attempt.duration_s == 5


async def test_the_same_for_requests_side_by_side() -> None:
    async def work(client: Client) -> None:
        await asyncio.gather(client.get("/never"), client.get("/never"))

    assert (await attempt(work, deadline_s=5)).outcome is FAILED


@pytest.mark.parametrize("swallow", [TimeoutError, Exception, BaseException])
async def test_the_deadline_is_ours_while_nothing_is_asked(swallow: type[BaseException]) -> None:
    async def work(client: Client) -> None:
        await client.get("/")
        with contextlib.suppress(swallow):
            await asyncio.sleep(3600)

    ended = await attempt(work, deadline_s=5)
    assert ended.outcome is UNKNOWN
    assert "deadline ran out in the check itself" in ended.attempt.reason


async def test_an_old_trouble_does_not_make_the_deadline_the_targets() -> None:
    async def work(client: Client) -> None:
        assert await client.probe("/refused") is None
        await asyncio.sleep(3600)

    assert (await attempt(work, deadline_s=5)).outcome is UNKNOWN


async def test_a_deadline_that_is_swallowed_still_counts() -> None:
    async def work(client: Client) -> None:
        with contextlib.suppress(BaseException):
            await client.get("/never")

    assert (await attempt(work, deadline_s=5)).outcome is FAILED


async def test_the_shield_of_a_deadline_is_not_the_checks_own_timeout() -> None:
    async def work(client: Client) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await client.get("/never")

    assert (await attempt(work, deadline_s=5)).outcome is PASSED


async def test_requests_left_behind_are_ended() -> None:
    transport = routes()

    async def work(client: Client) -> None:
        tasks.append(asyncio.create_task(client.get("/never")))
        await client.get("/")

    tasks: list[asyncio.Task[object]] = []
    ended = await attempt(work, transport)
    assert tasks[0].cancelled()
    assert transport.at_once == 0
    assert ended.outcome is PASSED


async def test_what_was_left_behind_cannot_ask_later() -> None:
    transport = routes()

    async def later(client: Client) -> None:
        await asyncio.sleep(10)
        await client.get("/500")

    async def again_and_again(client: Client) -> None:
        for _ in range(100):
            with contextlib.suppress(asyncio.CancelledError):
                await client.get("/never")

    async def work(client: Client) -> None:
        tasks.append(asyncio.create_task(later(client)))
        tasks.append(asyncio.create_task(again_and_again(client)))
        await client.get("/")

    tasks: list[asyncio.Task[None]] = []
    ended = await attempt(work, transport)
    await asyncio.wait(tasks)
    assert sorted(transport.lines) == ["GET /", "GET /never"]
    assert ended.outcome is PASSED
    assert all("has ended" in str(task.exception()) for task in tasks)


async def test_a_task_that_will_not_end_is_left_behind() -> None:
    async def unwilling(client: Client) -> None:
        while not released:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(30)
                await client.get("/")

    async def work(client: Client) -> None:
        async def ask() -> None:
            try:
                await client.get("/never")
            finally:
                await unwilling(client)

        tasks.append(asyncio.create_task(ask()))
        await client.get("/")

    released: list[bool] = []
    tasks: list[asyncio.Task[None]] = []
    transport = routes()
    assert (await attempt(work, transport)).outcome is PASSED
    released.append(True)
    await asyncio.wait(tasks)
    assert "has ended" in str(tasks[0].exception())
    assert sorted(transport.lines) == ["GET /", "GET /never"]


async def test_secrets_are_in_none_of_its_texts() -> None:
    async def work(client: Client) -> None:
        authorized = client.with_token("secret-token-123")
        sys.stdout.write("printed secret-token-123")
        authorized.warn("warned of secret-token-123")
        await authorized.get("/?key=secret-token-123")
        raise ValueError("about secret-token-123")

    ended = await attempt(work)
    told = f"{ended.attempt} {ended.evidence.warnings}"
    assert "secret-token-123" not in told
    assert "[redacted]" in ended.evidence.warnings[0]


@pytest.mark.parametrize("swallows", [False, True])
async def test_an_interruption_makes_it_unknown(swallows: bool) -> None:
    async def work(client: Client) -> None:
        try:
            await client.get("/never")
        except BaseException:
            if not swallows:
                raise

    attempts = Attempts(bound(routes(), timeout_s=100.0).session, 60.0)
    task = asyncio.create_task(attempts.make("health.test_it", 1, Consequence.ROLLBACK, work))
    await asyncio.sleep(1)
    attempts.interrupted = "SIGTERM"
    task.cancel()
    ended = await task
    assert (ended.outcome, ended.attempt.reason) == (UNKNOWN, "interrupted by SIGTERM")
    assert len(ended.attempt.exchanges) == 1


async def test_a_cancellation_that_is_no_interruption_passes_through() -> None:
    attempts = Attempts(bound(routes(), timeout_s=100.0).session, 60.0)

    async def work(client: Client) -> None:
        await client.get("/never")

    task = asyncio.create_task(attempts.make("health.test_it", 1, Consequence.ROLLBACK, work))
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_person_who_interrupts_is_heard() -> None:
    async def work(client: Client) -> None:
        raise KeyboardInterrupt

    coroutine = attempt(work)
    with pytest.raises(KeyboardInterrupt):
        await coroutine


async def test_what_a_429_made_a_check_wait_is_remarked() -> None:
    throttled = answered(429, headers=[("Retry-After", "3")])
    transport = ScriptedTransport({"GET /": [throttled, throttled, answered()]})
    ended = await attempt(lambda client: client.get("/"), transport)
    assert ended.outcome is PASSED
    assert ended.evidence.remarks == ["the target made it wait 6 s (429)"]
    assert (await attempt(lambda client: client.get("/"))).evidence.remarks == []


@pytest.mark.parametrize(
    ("limits_s", "ends_s"),
    [((100.0,), 60.0), ((50.0,), 60.0), ((130.0,), 90.0), ((120.0, 130.0, 110.0), 90.0)],
)
async def test_the_deadline_counts_from_the_longest_request_that_is_allowed(
    limits_s: tuple[float, ...], ends_s: float
) -> None:
    async def work(client: Client) -> None:
        for limit_s in limits_s:
            await client.get("/", timeout_s=limit_s)
        await asyncio.gather(client.get("/never"), client.get("/never"))

    ended = await attempt(work)
    assert (ended.outcome, ended.attempt.duration_s) == (FAILED, ends_s)
    assert {each.trouble.kind for each in ended.attempt.exchanges if each.trouble} == {"deadline"}


async def test_what_was_given_up_does_not_hide_how_the_attempt_ended() -> None:
    lost_one = unanswered("reset", connection=4)
    transport = ScriptedTransport({"POST /": lost_one, "GET /never": NEVER})

    async def work(client: Client) -> None:
        await asyncio.gather(client.get("/never"), client.post("/"))

    ended = await attempt(work, transport)
    lost, given_up = ended.attempt.exchanges
    assert (lost.trouble and lost.trouble.kind) == "reset"
    assert (given_up.trouble and given_up.trouble.kind) == "abandoned"
    assert ended.attempt.last_exchange == lost
    assert lost_connection_of(ended) == 4


async def test_what_a_reply_put_into_words_is_kept_short() -> None:
    async def repeats(client: Client) -> None:
        client.warn("w" * 1_000_000)
        raise RuntimeError("r" * 1_000_000) from ValueError("v" * 1_000_000)

    ended = await attempt(repeats)
    assert ended.attempt.reason == "RuntimeError in the check: " + "r" * 1_973
    assert ended.evidence.warnings == ["w" * 2_000]
    assert ended.attempt.traceback.endswith("r" * 1_000 + "\n")
    assert len(ended.attempt.traceback) == 20_000
