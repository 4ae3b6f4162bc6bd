"""Expectations: what they demand, what they record, and when the check goes on."""

from __future__ import annotations

from typing import Any

import pytest
from smokegate.client import Evidence, Reply
from smokegate.errors import ExpectationFailed
from smokegate.expectations import (
    INVESTIGATE,
    MONITOR,
    ROLLBACK,
    WARN,
    ReplyDemands,
    expect,
    expect_all,
)
from smokegate.results import Consequence, Timing

from tests.gate.clients import bound
from tests.gate.replies import reply_with
from tests.gate.scripted_transport import ScriptedTransport

PROBLEM = {"title": "Conflict", "detail": "the address is taken"}


def last(evidence: Evidence) -> tuple[str, bool, str]:
    each = evidence.expectations[-1]
    return each.demand, each.held, each.seen


def shown(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def failing(reply: Reply, demand: Any) -> tuple[str, str]:
    """Make a demand that must fail; what was demanded and seen."""
    with pytest.raises(ExpectationFailed):
        demand(expect(reply))
    wanted, held, seen = last(reply.evidence)
    assert not held
    return wanted, seen


def test_every_demand_is_recorded_whether_it_holds_or_not() -> None:
    reply = reply_with({"name": "cube"}, headers=(("ETag", "x"),))
    expect(reply).status(200).json("name", equals="cube").header("etag")
    assert [(each.demand, each.held, each.seen) for each in reply.evidence.expectations] == [
        ("status is 200", True, "200"),
        ("name is 'cube'", True, "cube"),
        ("header etag is there", True, "x"),
    ]
    assert {each.exchange for each in reply.evidence.expectations} == {1}


@pytest.mark.parametrize(
    ("accepted", "words"),
    [
        ((201,), "status is 201"),
        ((201, 202), "status is 201 or 202"),
        ((range(201, 300),), "status is 201 to 299"),
        ((range(400, 500), 503), "status is 400 to 499 or 503"),
    ],
)
def test_status(accepted: tuple[int | range, ...], words: str) -> None:
    assert failing(reply_with({}), lambda it: it.status(*accepted)) == (words, "200")


@pytest.mark.parametrize("status", [200, 202, 404, 499])
def test_one_of_several_statuses_is_enough(status: int) -> None:
    reply = reply_with({}, status=status)
    expect(reply).status(200, 202, range(400, 500))
    assert last(reply.evidence)[:2] == ("status is 200 or 202 or 400 to 499", True)


@pytest.mark.parametrize("status", [199, 200, 299, 300, 399, 400, 499, 500])
def test_success_and_refusal(status: int) -> None:
    success, refusal = reply_with({}, status=status), reply_with({}, status=status)
    if 200 <= status <= 299:
        expect(success).succeeded()
    else:
        failing(success, ReplyDemands.succeeded)
    if 400 <= status <= 499:
        expect(refusal).refused()
    else:
        failing(refusal, ReplyDemands.refused)


@pytest.mark.parametrize(
    ("reply", "seen"),
    [
        (reply_with(PROBLEM, status=409), "409 'the address is taken'"),
        (reply_with({"message": "no"}, status=400), "400 'no'"),
        (reply_with({"title": "No"}, status=400), "400 'No'"),
        (reply_with({"detail": [{"loc": 1}]}, status=422), "422 \"[{'loc': 1}]\""),
        (reply_with(["no"], status=400), "400"),
        (reply_with(body=b"no", status=400, media_type="text/plain; charset=x"), "400 'no'"),
        (reply_with(body=b"<html>", status=502, media_type="text/html"), "502"),
        (reply_with(body=b"", status=502), "502"),
        (reply_with(body=b"1" * 5000, status=502), "502"),
        (reply_with({"detail": "x" * 999}, status=400), f"400 '{'x' * 200}'"),
        (reply_with(body=b'{"detail":' + b"[" * 99_999 + b"]" * 99_999 + b"}", status=500), "500"),
        (reply_with(body=b"\xff\x00", status=500, media_type="text/plain"), "500 '\ufffd\\x00'"),
        (reply_with(body=b'{"detail": "\xff"}', status=500), "500"),
    ],
    ids=range(13),
)
def test_a_status_comes_with_what_the_target_says_of_it(reply: Reply, seen: str) -> None:
    assert failing(reply, lambda it: it.status(201))[1] == seen


def test_a_redirect_comes_with_where_it_leads() -> None:
    headers = (("Location", "https://elsewhere.example/login?next=secret"),)
    reply = reply_with({}, status=302, headers=headers)
    seen = failing(reply, lambda it: it.status(200))[1]
    assert seen == "302 to 'https://elsewhere.example/login'"


def test_the_failure_says_request_demand_and_what_came() -> None:
    reply = reply_with(PROBLEM, status=409)
    with pytest.raises(ExpectationFailed) as caught:
        expect(reply).status(201)
    assert str(caught.value) == (
        "GET /things?page=2: expected that status is 201; saw 409 'the address is taken'"
    )


@pytest.mark.parametrize(
    ("value", "wanted", "same"),
    [
        (1, 1, True),
        (1, 1.0, True),
        (1, True, False),
        (True, 1, False),
        (0, False, False),
        (None, None, True),
        (None, 0, False),
        ("1", 1, False),
        ([1, 2], (1, 2), True),
        ([1, 2], [1, 2, 3], False),
        ([1, 2], [1, 3], False),
        ([True], [1], False),
        ([1], 1, False),
        (1, [1], False),
        ({"a": 1}, [1], False),
        ([1], {"a": 1}, False),
        ({"a": [1]}, {"a": (1,)}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, False),
        ({"a": {"b": None}}, {"a": {"b": None}}, True),
    ],
)
def test_equality_is_that_of_json(value: Any, wanted: Any, same: bool) -> None:
    reply = reply_with({"it": value})
    if same:
        expect(reply).json("it", equals=wanted)
    else:
        assert failing(reply, lambda it: it.json("it", equals=wanted))[0] == f"it is {wanted!r}"


@pytest.mark.parametrize(
    ("value", "among", "held"),
    [
        ("free", ("free", "pro"), True),
        ("x", {"free", "pro"}, False),
        (3, range(5), True),
        (["free"], {"free"}, False),  # a list cannot be looked for in a set
        ({"a": 1}, {"a": 1}, False),
        (True, (1, 2), False),
        (1, (True,), False),
        (3, "abc", False),
        ("ab", "abc", False),
        (None, (None,), True),
    ],
)
def test_one_of(value: Any, among: Any, held: bool) -> None:
    reply = reply_with({"it": value})
    if held:
        expect(reply).json("it", one_of=among)
    else:
        wanted, seen = failing(reply, lambda it: it.json("it", one_of=among))
        assert (wanted, seen) == (f"it is one of {among!r}", shown(value))


def test_a_member_that_must_be_there() -> None:
    reply = reply_with({"a": [{"b": None}]})
    expect(reply).json("a", 0, "b")
    assert last(reply.evidence) == ("a.0.b is there", True, "None")
    expect(reply).json()
    assert last(reply.evidence)[0] == "the body is there"
    assert failing(reply, lambda it: it.json("c"))[0] == "$.c is there"


@pytest.mark.parametrize("value", ["nosniff", "NOSNIFF"])
@pytest.mark.parametrize(
    ("demand", "words", "held"),
    [
        ({}, "is there", True),
        ({"equals": "NoSniff"}, "is NoSniff", True),
        ({"has": "Sniff"}, "has Sniff", True),
        ({"equals": "sniff"}, "is sniff", False),
        ({"has": "other"}, "has other", False),
    ],
)
def test_headers(demand: dict[str, str], words: str, held: bool, value: str) -> None:
    reply = reply_with({}, headers=(("X-Content-Type-Options", value),))
    if held:
        expect(reply).header("x-content-type-options", **demand)
    else:
        failing(reply, lambda it: it.header("x-content-type-options", **demand))
    assert last(reply.evidence) == (f"header x-content-type-options {words}", held, value)


@pytest.mark.parametrize("demand", [{}, {"equals": "a"}, {"has": "a"}])
def test_a_header_that_is_missing(demand: dict[str, str]) -> None:
    assert failing(reply_with({}), lambda it: it.header("X-A", **demand))[1] == "no such header"


def test_faster_than_leaves_the_network_out() -> None:
    reply = reply_with({}, timing=Timing(wait_s=1.5, round_trip_s=1.0))
    expect(reply).faster_than(0.501).status(200)
    expect(reply).faster_than(2.0)
    assert last(reply.evidence) == ("the target takes less than 2 s", True, "0.500 s")
    assert failing(reply, lambda it: it.faster_than(0.5)) == (
        "the target takes less than 0.5 s",
        "0.500 s",
    )


@pytest.mark.parametrize("or_else", [WARN, MONITOR, INVESTIGATE])
def test_a_mild_consequence_lets_the_check_go_on(or_else: Consequence) -> None:
    reply = reply_with({})
    expect(reply, or_else=or_else).status(201).that("it is so", False)
    assert [each.held for each in reply.evidence.expectations] == [False, False]
    assert {each.consequence for each in reply.evidence.expectations} == {or_else}
    assert len(reply.evidence.failures) == (0 if or_else is WARN else 2)
    assert len(reply.evidence.warnings) == (2 if or_else is WARN else 0)


@pytest.mark.parametrize("or_else", [ROLLBACK, Consequence.SHARE, None])
def test_a_grave_one_ends_it(or_else: Consequence | None) -> None:
    reply = reply_with({}, consequence=Consequence.SHARE)
    with pytest.raises(ExpectationFailed):
        expect(reply, or_else=or_else).status(201)
    assert reply.evidence.failures[0].consequence is (or_else or Consequence.SHARE)
    assert len(reply.evidence.ended) == 1


@pytest.mark.parametrize("own", [WARN, MONITOR, INVESTIGATE])
def test_a_check_of_mild_consequence_ends_all_the_same(own: Consequence) -> None:
    """What follows a demand may rely on it, unless the demand itself says otherwise."""
    with pytest.raises(ExpectationFailed):
        expect(reply_with({}, consequence=own)).status(201)


@pytest.mark.parametrize(
    ("seen", "shown"), [("", "otherwise"), (3, "3"), (None, "None"), (["a"], "['a']"), ("a", "a")]
)
def test_what_was_seen_is_shown(seen: object, shown: str) -> None:
    reply = reply_with({})
    expect(reply, or_else=WARN).that("it is so", False, seen=seen)
    assert last(reply.evidence)[2] == shown


@pytest.mark.parametrize(("holds", "words"), [(True, "it"), (False, "otherwise")])
def test_who_shows_nothing_saw_it_or_otherwise(holds: bool, words: str) -> None:
    reply = reply_with({})
    expect(reply, or_else=WARN).that("it is so", holds)
    assert last(reply.evidence) == ("it is so", holds, words)


def test_no_more_is_shown_than_a_person_reads() -> None:
    reply = reply_with({})
    expect(reply).that("it is so", True, seen="x" * 301)
    assert last(reply.evidence)[2] == "x" * 300


@pytest.mark.virtual_clock
async def test_half_a_secret_is_not_shown_either() -> None:
    it = bound(ScriptedTransport(), test_password="Gehe1mnis-" * 20)
    expect_all(it.client, or_else=WARN).that("x", False, seen="." * 290 + "Gehe1mnis-" * 20)
    assert "Gehe" not in it.evidence.expectations[0].seen
    assert "Gehe" not in it.evidence.warnings[0]


@pytest.mark.virtual_clock
async def test_what_was_worked_out_from_several_replies() -> None:
    it = bound(ScriptedTransport())
    with pytest.raises(ExpectationFailed, match=r"^expected that all are there; saw 3$"):
        expect_all(it.client).that("all are there", False, seen=3)
    assert it.evidence.expectations[0].exchange is None


def test_demands_can_be_chained_in_any_order() -> None:
    reply = reply_with({"a": 1}, headers=(("X", "y"),))
    chained = expect(reply).that("x", True).that("y", True)
    assert chained is not None
    assert isinstance(expect(reply).json("a").header("X").status(200), ReplyDemands)
    mild = expect(reply, or_else=WARN).json("nowhere").status(200)
    assert [each.held for each in reply.evidence.expectations[-2:]] == [False, True]
    assert isinstance(mild, ReplyDemands)


NAME = "GET /health"
DEMAND = "GET /health is as fast as before the deployment"


def times_s(median_s: float, number: int = 20) -> list[float]:
    return [median_s * (0.9 + 0.2 * place / number) for place in range(number)]


async def compared(now_s: list[float], *before_s: list[float]) -> Evidence:
    each = bound(ScriptedTransport())
    each.session.earlier_samples = {NAME: list(before_s)} if before_s else {}
    expect_all(each.client, or_else=INVESTIGATE).as_fast_as_before(NAME, now_s)
    return each.evidence


async def test_times_are_compared_with_those_of_earlier_runs() -> None:
    evidence = await compared(times_s(0.02), times_s(0.02, 10), times_s(0.021, 10))
    assert last(evidence)[:2] == (DEMAND, True)
    assert evidence.samples == {NAME: [round(each, 6) for each in times_s(0.02)]}
    assert evidence.remarks == []


async def test_times_are_kept_to_the_microsecond() -> None:
    evidence = await compared([0.123456789] * 20)
    assert evidence.samples == {NAME: [0.123457] * 20}


async def test_far_longer_times_do_not_hold() -> None:
    evidence = await compared(times_s(1.2345), times_s(0.217))
    assert last(evidence) == (
        DEMAND,
        False,
        "median 1228.3 ms, 215.9 ms before; slower in 100% of all pairs (Mann-Whitney p 3.4e-08)",
    )
    assert evidence.expectations[-1].consequence is INVESTIGATE


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (20, 0, "20 samples now, 0 before, 15 needed"),
        (20, 14, "20 samples now, 14 before, 15 needed"),
        (14, 20, "14 samples now, 20 before, 15 needed"),
    ],
)
async def test_too_few_times_are_no_baseline_and_never_a_pass(
    now: int, before: int, words: str
) -> None:
    evidence = await compared(times_s(0.1, now), times_s(0.02, before))
    assert evidence.expectations == []
    assert evidence.remarks == [f"no baseline for the time of {NAME}: {words}"]
    assert len(evidence.samples[NAME]) == now


async def test_a_time_that_was_never_measured_before_has_no_baseline() -> None:
    evidence = await compared(times_s(0.1))
    words = "20 samples now, 0 before, 15 needed"
    assert evidence.remarks == [f"no baseline for the time of {NAME}: {words}"]


@pytest.mark.parametrize("before", [0, 20])
async def test_a_comparison_can_be_followed_by_another(before: int) -> None:
    each = bound(ScriptedTransport())
    each.session.earlier_samples = {NAME: [times_s(0.02, before)]}
    demands = expect_all(each.client)
    assert demands.as_fast_as_before(NAME, times_s(0.02)) is demands


async def test_as_many_as_are_needed_are_enough() -> None:
    evidence = await compared(times_s(0.02, 15), times_s(0.02, 15))
    assert last(evidence)[:2] == (DEMAND, True)
