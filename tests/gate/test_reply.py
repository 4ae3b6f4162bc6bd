"""Reading a reply: what is not there, or is something else, fails the check in words of its own."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from smokegate.client import Reply
from smokegate.errors import ExpectationFailed
from smokegate.results import Consequence, Timing

from tests.gate.replies import reply_with


def failure(reply: Reply) -> str:
    """Say what the one failed expectation demanded and saw."""
    failed = [each for each in reply.evidence.expectations if not each.held]
    assert len(failed) == 1
    assert failed[0].exchange == 1
    return f"{failed[0].demand}; saw {failed[0].seen}"


class Thing(msgspec.Struct):
    id: str
    size: int = 0


def test_members_are_read_as_types() -> None:
    reply = reply_with({"user": {"email": "a@b", "age": 3}, "list": [{"id": "x", "more": 1}]})
    assert reply.read(str, "user", "email") == "a@b"
    assert reply.read(int, "user", "age") == 3
    assert reply.read(float, "user", "age") == 3.0
    assert reply.read(list[Any], "list") == [{"id": "x", "more": 1}]
    assert reply.read(Thing, "list", 0) == Thing(id="x")
    assert reply.read(Thing, "list", -1).id == "x"
    assert reply.read(dict[str, Any])["user"]["age"] == 3
    assert reply.evidence.expectations == []


@pytest.mark.parametrize("or_else", [None, Consequence.MONITOR])
@pytest.mark.parametrize(
    ("kind", "path", "words"),
    [
        (str, ("name",), "$.name is there; saw members 'user', 'list', 'none'"),
        (str, ("user", "name"), "$.user.name is there; saw members 'email', 'age'"),
        (str, ("list", 3), "$.list[3] is there; saw a list of 1"),
        (str, ("list", -2), "$.list[-2] is there; saw a list of 1"),
        (str, ("list", "id"), "$.list.id is there; saw $.list is a list"),
        (str, ("user", 0), "$.user[0] is there; saw $.user is an object"),
        (str, ("user", "email", "x"), "$.user.email.x is there; saw $.user.email is a string"),
        (str, ("none", "x"), "$.none.x is there; saw $.none is null"),
        (str, ("user", "age", "x"), "$.user.age.x is there; saw $.user.age is a number"),
        (str, ("user", "age"), "$.user.age can be read; saw Expected `str`, got `int`"),
        (int, ("user", "email"), "$.user.email can be read; saw Expected `int`, got `str`"),
        (str, ("none",), "$.none can be read; saw Expected `str`, got `null`"),
        (list[Thing], ("list",), "$.list[0].id can be read; saw Expected `str`, got `int`"),
    ],
)
def test_what_cannot_be_read_fails_the_check(
    kind: Any, path: tuple[str | int, ...], words: str, or_else: Consequence | None
) -> None:
    reply = reply_with({"user": {"email": "a@b", "age": 3}, "list": [{"id": 1}], "none": None})
    told = f"GET /things?page=2: expected that {words}"
    with pytest.raises(ExpectationFailed, match=f"^{re.escape(told)}$"):
        reply.read(kind, *path, or_else=or_else)
    assert failure(reply) == words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "saw an empty body"),
        (b"<html>", "in '<html>'"),
        (b'{"a": 1', "in '{\"a\": 1'"),
        (b'{"a": 1}{"b": 2}', 'in \'{"a": 1}{"b": 2}\''),
        (b"\xff\xfe{\x00}\x00", "in "),
        (b'"\xed\xa0\x80"', "in "),
        (b'"\\ud800"', "in "),
        (b"\xef\xbb\xbf{}", "in "),
        (b"{'a': 1}", "in "),
        (b"NaN", "in 'NaN'"),
        (b"[" * 100_000, "in '[[["),
        (b'{"a":' * 100_000, "in "),
        (b"[" * 500 + b"]" * 500, "nesting deeper than 200"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "nesting deeper than 200"),
        (b"1" * 5_000, "in '1111"),
        (b"-" + b"9" * 5_000, "in '-999"),
        (b'"\x01"', "in "),
    ],
)
def test_a_body_that_is_no_json_fails_the_check(body: bytes, words: str) -> None:
    reply = reply_with(body=body)
    with pytest.raises(ExpectationFailed):
        _ = reply.json
    assert words in failure(reply)
    assert len(failure(reply)) < 600


@pytest.mark.parametrize("written", ["3.0", "3e0", "0.3E1", "30e-1"])
def test_a_whole_number_is_one_however_it_is_written(written: str) -> None:
    reply = reply_with(body=f'{{"size": {written}, "id": "x"}}'.encode())
    assert reply.read(Thing) == Thing(id="x", size=3)
    assert reply.read(float, "size") == 3.0


@pytest.mark.parametrize("written", ["3.5", "1e300", "9007199254740994.0"])
def test_a_number_that_is_not_exactly_whole_is_none(written: str) -> None:
    with pytest.raises(ExpectationFailed):
        reply_with(body=f'{{"size": {written}}}'.encode()).read(int, "size")


@pytest.mark.parametrize("body", [b"1e400", b"-1e400", b"0." + b"1" * 5_000, b"1e-5000"])
def test_numbers_beyond_a_float_are_an_outcome(body: bytes) -> None:
    reply = reply_with(body=body)
    try:
        assert isinstance(reply.json, int | float)
    except ExpectationFailed:
        assert failure(reply)


def test_the_deepest_document_that_is_read() -> None:
    assert reply_with(body=b"[" * 200 + b"]" * 200).json


@pytest.mark.parametrize(
    ("media_type", "is_json"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/problem+json", True),
        ("application/json;charset=no-such-charset", True),
        ("text/html", False),
        ("text/json-not", False),
        ("", False),
        (None, False),
    ],
)
def test_the_media_type_must_say_that_it_is_json(media_type: str | None, is_json: bool) -> None:
    reply = reply_with({"a": 1}, media_type=media_type)
    if is_json:
        assert reply.json == {"a": 1}
    else:
        with pytest.raises(ExpectationFailed):
            _ = reply.json
        shown = (media_type or "missing").lower()
        assert failure(reply) == f"the reply is JSON; saw media type {shown!r}"


def test_an_error_that_is_no_json_is_named_by_its_status() -> None:
    reply = reply_with({}, media_type="text/plain", status=502)
    with pytest.raises(ExpectationFailed):
        _ = reply.json
    assert failure(reply) == "the reply is JSON; saw status 502, media type 'text/plain'"


def test_each_reads_a_member_of_every_item() -> None:
    reply = reply_with({"items": [{"id": "a"}, {"id": "b"}]})
    assert reply.each(str, "items", "id") == ["a", "b"]
    assert reply_with([]).each(str, "id") == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"items": [{"id": "a"}, {}]}, "$.items[1].id is there; saw members none"),
        (
            {"items": [{"id": "a"}, {"id": 2}]},
            "$.items[1].id can be read; saw Expected `str`, got `int`",
        ),
        ({"items": {}}, "$.items can be read; saw Expected `array`, got `object`"),
        ({}, "$.items is there; saw members none"),
    ],
)
def test_each_names_the_item_that_is_wrong(document: Any, words: str) -> None:
    reply = reply_with(document)
    with pytest.raises(ExpectationFailed):
        reply.each(str, "items", "id")
    assert failure(reply) == words


@pytest.mark.parametrize(
    ("path", "there"),
    [
        (("a",), True),
        (("none",), True),
        (("b",), False),
        (("a", 0), True),
        (("a", 1), False),
        (("a", "x"), False),
        (("none", "x"), False),
        ((), True),
    ],
)
def test_has(path: tuple[str | int, ...], there: bool) -> None:
    assert reply_with({"a": ["x"], "none": None}).has(*path) is there


def test_headers() -> None:
    reply = reply_with({}, headers=(("X-One", "1"), ("x-one", "2"), ("X-Empty", "")))
    assert reply.header("X-ONE") == "1, 2"
    assert reply.header("x-empty") == ""
    assert reply.header("x-two") is None


def test_the_time_of_the_target_is_without_the_round_trip() -> None:
    assert reply_with({}, timing=Timing(wait_s=0.3, round_trip_s=0.1)).server_s == pytest.approx(
        0.2
    )
    assert reply_with({}, timing=Timing(wait_s=0.05, round_trip_s=0.1)).server_s == 0.0


@pytest.mark.parametrize(
    ("asked", "date", "pause_s"),
    [
        ("7", "", 7.0),
        ("0", "", 0.0),
        ("99999999999", "", 999_999_999.0),
        ("Thu, 01 Jan 2026 00:00:12 GMT", "Thu, 01 Jan 2026 00:00:03 GMT", 9.0),
        ("Thu, 01 Jan 2026 00:00:03 GMT", "Thu, 01 Jan 2026 00:00:12 GMT", 0.0),
        ("Thu, 01 Jan 2026 00:00:12 GMT", "", None),
        ("soon", "Thu, 01 Jan 2026 00:00:12 GMT", None),
        ("", "", None),
    ],
)
def test_how_long_to_wait(asked: str, date: str, pause_s: float | None) -> None:
    reply = reply_with({}, headers=(("Retry-After", asked), ("Date", date)))
    assert reply.retry_after_s == pause_s
    assert reply_with({}).retry_after_s is None


def test_text_has_a_mark_for_what_is_not_utf_8() -> None:
    assert reply_with(body=b"a\xffb\x00").text == "a\ufffdb\x00"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON, st.lists(st.text(max_size=3) | st.integers(-3, 3), max_size=3))
def test_any_document_is_read_or_fails_the_check(document: Any, path: list[str | int]) -> None:
    for kind in (str, int, list[str], dict[str, int], Thing, Any):
        reply = reply_with(body=json.dumps(document).encode("utf-8", "surrogatepass"))
        try:
            reply.read(kind, *path)
        except ExpectationFailed:
            assert failure(reply)


@given(st.binary(max_size=300))
def test_any_body_is_read_or_fails_the_check(body: bytes) -> None:
    reply = reply_with(body=body)
    try:
        reply.read(Any)
    except ExpectationFailed:
        assert failure(reply)
