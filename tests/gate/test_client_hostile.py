"""The whole client against servers that mean harm, or are badly broken: always an outcome."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smokegate.client import Client, Reply
from smokegate.engine.attempt import Attempts, Ended
from smokegate.expectations import expect
from smokegate.results import Attempt, Consequence, Outcome, Side

from tests.gate.clients import Bound, over_curl
from tests.gate.raw_server import Connection, always, reply, serving

Demand = Callable[[Reply], object]
GZIP, DEFLATE = "Content-Encoding: gzip", "Content-Encoding: deflate"
DOCUMENT = b'{"name": "cube"}'


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def name_is_cube(answer: Reply) -> None:
    expect(answer).status(200).json("name", equals="cube")


async def attempt(it: Bound, work: Callable[[Client], Awaitable[object]]) -> Ended:
    return await Attempts(it.session, 30.0).make("health.test_it", 1, Consequence.ROLLBACK, work)


async def attempt_at(data: bytes, demand: Demand = name_is_cube, **settings: Any) -> Attempt:
    """Make an attempt at a check that asks once and demands something of the reply."""

    async def work(client: Client) -> None:
        demand(await client.get("/things"))

    async with serving(always(data)) as server, over_curl(server.url, **settings) as it:
        return (await attempt(it, work)).attempt


@pytest.mark.parametrize(
    "data",
    [
        reply(body=DOCUMENT),
        reply("200 OK", gzip.compress(DOCUMENT), GZIP),
        reply("200 OK", zlib.compress(DOCUMENT), DEFLATE),
        reply("200 OK", raw_deflate(DOCUMENT), DEFLATE),
        reply("200 OK", gzip.compress(zlib.compress(DOCUMENT)), DEFLATE, GZIP),
        reply(body=DOCUMENT, media_type="application/json; charset=hex"),
        reply(body=DOCUMENT, media_type="application/json; charset=\xff\xfe"),
        reply("200 \xe4\xff OK", DOCUMENT, "X-A: \x01\x1b[31m\xff", "X-B: =?utf-8?q?=00?="),
        reply("200", DOCUMENT),
        reply("200 OK", DOCUMENT, *(f"X-{number}: y" for number in range(90))),
    ],
    ids=range(10),
)
async def test_odd_but_fine(data: bytes) -> None:
    ended = await attempt_at(data)
    assert (ended.outcome, ended.reason) == (Outcome.PASSED, "")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (reply("200 OK", b"\x1f\x8b broken", GZIP), "cannot be decompressed"),
        (reply("200 OK", gzip.compress(DOCUMENT)[:-6], GZIP), "cannot be decompressed"),
        (reply("200 OK", DOCUMENT, GZIP), "cannot be decompressed"),
        (reply("200 OK", DOCUMENT, "Content-Encoding: br"), "encoding 'br' was not offered"),
        (reply("200 OK", DOCUMENT, "Content-Encoding: zstd"), "encoding 'zstd' was not offered"),
        (reply("200 OK", gzip.compress(b"\0" * 20_000_000), GZIP), "when decompressed"),
        (reply("200 OK", gzip.compress(gzip.compress(b"\0" * 20_000_000)), GZIP, GZIP), "grows"),
        (reply(body=b"\0" * 1_100_000), "larger than the limit"),
        (b"<html>HTTP/0.9</html>", "not HTTP"),
        (reply(body=b"[" * 100_000), "expected that the reply is JSON"),
        (reply(body=b'{"a":' * 100_000), "expected that the reply is JSON"),
        (reply(body=b"[" * 900 + b"]" * 900), "nesting deeper than 200"),
        (reply(body=b'{"name": ' + b"9" * 5_000 + b"}"), "expected that the reply is JSON"),
        (reply(body=b'{"name": "\\ud800"}'), "expected that the reply is JSON"),
        (reply(body=b'{"name": "\xff"}'), "expected that the reply is JSON"),
        (reply(body=b'{"name": "a\\u0000\\u001b[31m\\u202e"}'), "expected that name is 'cube'"),
        (reply(body=b"\0" * 100), "expected that the reply is JSON"),
        (reply(body=b""), "an empty body"),
        (reply(body=DOCUMENT.decode().encode("utf-16")), "expected that the reply is JSON"),
        (reply(body=b'{"name": null}'), "saw None"),
        (reply(body=b'{"Name": "cube"}'), "members 'Name'"),
        (reply(body=DOCUMENT, media_type="text/html"), "media type 'text/html'"),
        (reply("204 No Content"), "expected that status is 200"),
        (reply("999 Beyond"), "expected that status is 200"),
        (reply("500 Oops", b"[" * 900 + b"]" * 900), "expected that status is 200"),
        (reply("500 Oops", b'{"detail": "\\u001b]0;owned\\u0007"}'), "saw 500"),
        (reply("302 Found", b"", "Location: http://["), "saw 302"),
        (reply("302 Found", b"", "Location: /" + "a" * 9_000), "saw 302"),
        (reply("302 Found", b"", "Location: \x01\x7f"), "saw 302"),
    ],
    ids=range(29),
)
async def test_hostile_replies_fail_the_check_in_words(data: bytes, words: str) -> None:
    ended = await attempt_at(data, max_reply_bytes=1_000_000, max_decoded_bytes=1_000_000)
    assert ended.outcome is Outcome.FAILED
    assert words in ended.reason
    assert len(ended.reason) < 1_000
    assert "\n" not in ended.reason


async def test_a_bomb_that_is_no_bomb_within_the_limit() -> None:
    body = gzip.compress(json.dumps({"name": "cube", "more": "x" * 900_000}).encode())
    ended = await attempt_at(reply("200 OK", body, GZIP), max_decoded_bytes=1_000_000)
    assert ended.outcome is Outcome.PASSED
    assert len(ended.exchanges[0].reply_body or "") < 21_000


@pytest.mark.parametrize(
    "headers",
    [
        ("Retry-After: 99999999999999999999999",),
        ("Retry-After: Thu, 01 Jan 99999999999 00:00:00 GMT", "Date: Thu, 01 Jan 1 00:00:00 GMT"),
        ("Retry-After: 86400",),
    ],
)
async def test_a_429_that_asks_for_too_long_is_unknown(headers: tuple[str, ...]) -> None:
    async def work(client: Client) -> None:
        await client.get("/things", timeout_s=0.1)

    async with (
        serving(always(reply("429 Slow Down", b"", *headers))) as server,
        over_curl(server.url) as it,
    ):
        ended = await Attempts(it.session, 1.0).make(
            "health.test_it", 1, Consequence.ROLLBACK, work
        )
    assert ended.outcome is Outcome.UNKNOWN
    assert "throttled (429)" in ended.attempt.reason


@given(data=st.binary(max_size=200), kind=st.sampled_from(("raw", "head", "body", "gzip")))
def test_any_bytes_end_as_an_outcome(data: bytes, kind: str) -> None:
    """Each example has a loop and a server of its own: nothing is left over from the last."""
    wire = {
        "raw": data,
        "head": b"HTTP/1.1 200 OK\r\n" + data + b"\r\n\r\n",
        "body": reply(body=data),
        "gzip": reply("200 OK", gzip.compress(data, 1), GZIP),
    }[kind]

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(wire)
        connection.close()

    async def one() -> None:
        async def work(client: Client) -> None:
            name_is_cube(await client.get("/things", timeout_s=5.0))

        async with serving(script) as server, over_curl(server.url) as it:
            ended = await attempt(it, work)
        assert ended.outcome in (Outcome.FAILED, Outcome.PASSED)
        for exchange in ended.attempt.exchanges:
            assert exchange.trouble is None or exchange.trouble.side is Side.TARGET

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(one())


@pytest.mark.long
async def test_memory_stays_bounded_under_large_replies() -> None:
    """Twenty replies of a megabyte leave little more than what is kept of each."""
    noise = random.Random(1).randbytes(700_000).hex()[:1_000_000].encode()

    async def work(client: Client) -> None:
        for _ in range(20):
            await client.get("/things")

    async with serving(always(reply(body=noise))) as server, over_curl(server.url) as it:
        tracemalloc.start()
        ended = await attempt(it, work)
        kept, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert len(ended.attempt.exchanges) == 20
    assert kept < 4_000_000
    assert peak < 20_000_000
