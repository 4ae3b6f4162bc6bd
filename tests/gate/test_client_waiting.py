"""The client: throttling, requests without a reply, and creations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest
from smokegate.client import Client
from smokegate.client.transport import Answer, Failure
from smokegate.errors import CheckEnded, NoReply, Throttled
from smokegate.results import Consequence, Expectation, Side

from tests.gate.clients import TARGET, bound
from tests.gate.scripted_transport import (
    NEVER,
    Route,
    ScriptedTransport,
    Step,
    answered,
    unanswered,
)

pytestmark = pytest.mark.virtual_clock


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize(
    ("headers", "pause_s"),
    [
        ([("Retry-After", "7")], 7.0),
        ([("Retry-After", " 7 ")], 7.0),
        (
            [
                ("Retry-After", "Thu, 01 Jan 2026 00:00:12 GMT"),
                ("Date", "Thu, 01 Jan 2026 00:00:03 GMT"),
            ],
            9.0,
        ),
        ([], 2.0),
        ([("Retry-After", "soon")], 2.0),
        ([("Retry-After", "-1")], 2.0),
        ([("Retry-After", "0")], 2.0),
        ([("Retry-After", "1.5")], 2.0),
        ([("Retry-After", "\u0667")], 2.0),
        ([("Retry-After", "Thu, 01 Jan 99999999999 00:00:12 GMT"), ("Date", "x")], 2.0),
        ([("Retry-After", "Thu, 01 Jan 2026 00:00:12 GMT")], 2.0),
    ],
)
async def test_a_429_is_waited_out(headers: list[tuple[str, str]], pause_s: float) -> None:
    transport = ScriptedTransport(
        {"POST /things": [answered(429, headers=headers), answered(201, {})]}, latency_s=0.0
    )
    it = bound(transport)
    reply = await it.client.post("/things", json={}, creates=("thing", "cube"))
    assert reply.status == 201
    assert transport.sent[1].at_s - transport.sent[0].at_s == pytest.approx(pause_s)
    assert len(it.evidence.exchanges) == 2
    assert it.creations.settled == {0: False, 1: True}


async def test_without_a_word_the_pauses_grow() -> None:
    transport = ScriptedTransport({"GET /": [*[answered(429)] * 4, answered(200)]}, latency_s=0.0)
    await bound(transport).client.get("/")
    times = [sent.at_s for sent in transport.sent]
    assert [later - sooner for sooner, later in pairwise(times)] == [2, 4, 8, 16]


@pytest.mark.parametrize("asked", ["60", "999999999999999999999"])
async def test_a_429_longer_than_the_deadline_is_unknown_at_once(asked: str) -> None:
    transport = ScriptedTransport({"GET /": answered(429, headers=[("Retry-After", asked)])})
    it, started = bound(transport, deadline_s=60.0), now()
    with pytest.raises(Throttled):
        await it.client.get("/")
    assert now() - started < 1
    assert "throttled (429)" in it.evidence.trouble_on_our_side
    assert it.evidence.failures == []


async def test_what_a_429_makes_us_wait_for_is_told() -> None:
    throttled = answered(429, headers=[("Retry-After", "7")])
    routes: dict[str, Route] = {
        f"GET /{name}": [throttled, throttled, answered(200)] for name in "ab"
    }
    told: list[str] = []
    it = bound(ScriptedTransport(routes))
    it.session.redactor.add("secret")
    it.session.tell = told.append
    await asyncio.gather(it.client.get("/a?key=secret"), it.client.get("/b"))
    assert told == ["GET /a?key=[redacted] is throttled (429), 7 s"] * 2
    assert it.evidence.waited_s == 28


async def test_a_429_behind_a_redirect_is_waited_out_as_well() -> None:
    transport = ScriptedTransport(
        {
            "GET /here": answered(302, headers=[("Location", "/there")]),
            "GET /there": [answered(429, headers=[("Retry-After", "3")]), answered(200)],
        }
    )
    assert (await bound(transport).client.get("/here")).status == 200


async def test_the_rate_limit_check_sees_its_429() -> None:
    transport = ScriptedTransport({"GET /": answered(429, headers=[("Retry-After", "3")])})
    reply = await bound(transport).client.get("/", wait_if_throttled=False)
    assert (reply.status, reply.retry_after_s, len(transport.sent)) == (429, 3.0, 1)


# No reply.


@pytest.mark.parametrize(
    ("kind", "side"),
    [("refused", "target"), ("reset", "target"), ("local", "ours"), ("connect_timeout", "ours")],
)
async def test_no_reply_ends_the_check_on_the_side_that_it_lies(kind: str, side: str) -> None:
    it = bound(ScriptedTransport({"GET /things": unanswered(kind, detail="words")}))
    with pytest.raises(NoReply, match=r"GET /things: .*words"):
        await it.client.get("/things")
    assert bool(it.evidence.failures) is (side == "target")
    assert bool(it.evidence.trouble_on_our_side) is (side == "ours")
    assert len(it.evidence.expectations) == (1 if side == "target" else 0)


async def test_no_reply_is_no_failure_while_we_were_in_trouble_ourselves() -> None:
    it = bound(ScriptedTransport({"GET /a": unanswered("reset"), "GET /b": unanswered("local")}))
    it.evidence.expectations.append(
        Expectation(
            demand="it is so", held=False, seen="", consequence=Consequence.MONITOR, exchange=None
        )
    )
    for path in ("/a", "/b"):
        with pytest.raises(NoReply):
            await it.client.get(path)
    assert [each.demand for each in it.evidence.failures] == ["it is so"]


@pytest.mark.parametrize(
    "first",
    [
        answered(200),
        answered(500),
        *map(unanswered, ("reset", "tls", "silent", "certificate_expired", "protocol", "lost")),
    ],
)
async def test_a_connect_timeout_is_the_targets_once_we_were_let_in(first: Step) -> None:
    it = bound(ScriptedTransport({"GET /": [first, unanswered("connect_timeout")]}))
    for _ in range(2):
        try:
            await it.client.get("/")
        except NoReply:
            continue
    trouble = it.evidence.exchanges[-1].trouble
    assert trouble is not None
    assert trouble.side is Side.TARGET


@pytest.mark.parametrize("kind", ["refused", "local", "resolver", "proxy", "connect_timeout"])
async def test_a_connect_timeout_is_nobodys_if_we_never_were(kind: str) -> None:
    it = bound(ScriptedTransport({"GET /": [unanswered(kind), unanswered("connect_timeout")]}))
    for _ in range(2):
        with pytest.raises(NoReply):
            await it.client.get("/")
    trouble = it.evidence.exchanges[-1].trouble
    assert trouble is not None
    assert trouble.side is Side.UNDECIDED


@pytest.mark.parametrize(
    ("own", "means"),
    [
        (Consequence.ROLLBACK, Consequence.INVESTIGATE),
        (Consequence.SHARE, Consequence.INVESTIGATE),
        (Consequence.INVESTIGATE, Consequence.INVESTIGATE),
        (Consequence.MONITOR, Consequence.MONITOR),
        (Consequence.WARN, Consequence.WARN),
    ],
)
async def test_what_rolling_back_cannot_cure_is_investigated(
    own: Consequence, means: Consequence
) -> None:
    it = bound(ScriptedTransport({"GET /": unanswered("name_missing")}), consequence=own)
    with pytest.raises(NoReply):
        await it.client.get("/")
    assert [each.consequence for each in it.evidence.expectations] == [means]


@pytest.mark.parametrize(
    ("deadline_s", "kind", "side"),
    [(1, "deadline", Side.TARGET), (2, "abandoned", Side.RUNNER)],
)
async def test_a_cancelled_request_is_the_targets_at_the_deadline_only(
    deadline_s: float, kind: str, side: Side
) -> None:
    it = bound(ScriptedTransport({"GET /": NEVER}))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(deadline_s) as it.evidence.limit, asyncio.timeout(1.5):
            await it.client.get("/")
    trouble = it.evidence.exchanges[0].trouble
    assert trouble is not None
    assert (trouble.kind, trouble.side) == (kind, side)
    assert it.evidence.exchanges[0].sends == 1


async def test_nothing_is_sent_for_a_check_that_has_ended() -> None:
    transport = ScriptedTransport()
    it = bound(transport)
    it.evidence.closed = True
    asks: list[Callable[[Client], Awaitable[Any]]] = [
        lambda client: client.get("/"),
        lambda client: client.post("/", json={}, creates=("thing", "cube")),
        lambda client: client.probe(TARGET + "/"),
        lambda client: client.handshake(tls_max="1.1"),
    ]
    for ask in asks:
        with pytest.raises(CheckEnded, match="has ended"):
            await ask(it.client)
    assert (transport.sent, it.creations.intended) == ([], [])


# Creations.


@pytest.mark.parametrize(
    ("step", "made"),
    [
        (answered(201), True),
        (answered(200), True),
        (answered(204), True),
        (answered(300), None),
        (answered(302), True),  # a form that was taken is answered like this
        (answered(303), True),
        (answered(307), False),  # it is to be sent elsewhere
        (answered(400), False),
        (answered(409), False),
        (answered(500), None),
        (answered(504), None),
        (unanswered("refused"), False),
        (unanswered("silent"), None),
        (unanswered("reset"), None),
        (Step(Answer(status=201, sends=1, failure=Failure(kind="truncated", detail=""))), True),
    ],
)
async def test_what_was_made_is_settled(step: Step, made: bool | None) -> None:
    it = bound(ScriptedTransport({"POST /things": step}))
    try:
        await it.client.post("/things", json={}, creates=("thing", "cube"))
    except NoReply:
        assert step.answer.failure is not None
    assert it.creations.intended == [("thing", "cube", "health.test_it#1")]
    assert it.creations.settled == {0: made}


async def test_the_answer_to_a_creation_is_awaited_without_its_sender() -> None:
    it = bound(ScriptedTransport({"POST /things": answered(201, after_s=3)}))
    sending = asyncio.create_task(it.client.post("/things", json={}, creates=("thing", "cube")))
    await asyncio.sleep(1)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert it.creations.settled == {}
    await it.session.late_creations(10)
    assert it.creations.settled == {0: True}
    assert it.session.creating == set()


async def test_late_answers_are_awaited_within_a_limit() -> None:
    it, started = bound(ScriptedTransport({"POST /things": NEVER})), now()
    sending = asyncio.create_task(it.client.post("/things", json={}, creates=("thing", "cube")))
    await asyncio.sleep(1)
    sending.cancel()
    await it.session.late_creations(2)
    assert now() - started == pytest.approx(3)
    assert it.creations.settled == {}
