"""No write is ever sent twice; what was sent again is counted, at both ends."""

from __future__ import annotations

import asyncio

import pycurl
import pytest
from smokegate.client.transport import Answer
from smokegate.fault_proxy.certificates import Certificates

from tests.gate.curl_requests import Curl, curl
from tests.gate.raw_server import Connection, RawServer, Script, always, reply, serving

GOOD = reply()


def dies_under_the_second(by: str, times: int = 1) -> Script:
    """Answer the first request of a connection; the next one ends it unanswered."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(GOOD)
        await connection.request()
        if connection.number <= times:
            if by == "reset":
                connection.reset()
            else:
                connection.close()
            return
        await connection.send(GOOD)

    return script


async def first_then(client: Curl, method: str) -> tuple[Answer, Answer]:
    first = await client.send()
    assert first.failure is None
    return first, await client.send(method, body=b"x" if method in ("POST", "PATCH") else None)


@pytest.mark.parametrize("by", ["reset", "close"])
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
async def test_a_write_is_not_sent_again_when_its_connection_dies(method: str, by: str) -> None:
    async with serving(dies_under_the_second(by)) as server, curl(server.url) as client:
        first, answer = await first_then(client, method)
    assert server.count(f"{method} ") == 1
    assert (answer.status, answer.sends) == (None, 1)
    assert answer.failure is not None
    assert answer.failure.kind in ("lost", "reset", "empty")
    # It is known which connection was lost: what else was lost with it counts as one incident.
    assert (answer.connection, answer.fresh) == (first.connection, False)


@pytest.mark.parametrize("by", ["reset", "close"])
async def test_the_same_over_tls(by: str, certificates: Certificates) -> None:
    tls = certificates.good().context()
    async with (
        serving(dies_under_the_second(by), tls) as server,
        curl(server.url, ca_file=certificates.ca_file) as client,
    ):
        first, answer = await first_then(client, "POST")
    assert server.count("POST ") == 1
    assert (answer.status, answer.sends) == (None, 1)
    assert answer.connection == first.connection


@pytest.mark.parametrize("by", ["reset", "close"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_read_may_be_sent_again_and_the_record_says_so(method: str, by: str) -> None:
    async with serving(dies_under_the_second(by)) as server, curl(server.url) as client:
        first, answer = await first_then(client, method)
        assert answer.failure is None
        assert (answer.status, answer.sends, answer.fresh) == (200, 2, True)
        assert answer.connection != first.connection
    assert server.count(f"{method} ") == (3 if method == "GET" else 2)


async def test_after_a_lost_write_others_go_on_connections_of_their_own() -> None:
    async with (
        serving(dies_under_the_second("close", times=9)) as server,
        curl(server.url) as client,
    ):
        _, lost = await first_then(client, "POST")
        assert lost.failure is not None
        read = await client.send()
        written = [await client.send("POST", body=b"x") for _ in range(2)]
    assert [each.status for each in (read, *written)] == [200, 200, 200]
    assert len({each.connection for each in (read, *written)}) == 3


async def test_nothing_is_sent_again_on_a_connection_that_was_new() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        connection.reset()

    async with serving(script) as server, curl(server.url) as client:
        answers = [await client.send(), await client.send("POST", body=b"x")]
    assert [answer.sends for answer in answers] == [1, 1]
    assert len(server.requests) == 2


async def test_a_write_onto_a_connection_that_the_server_has_just_closed() -> None:
    """libcurl may not have noticed: then the write is lost, and said to be."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(GOOD)
        if connection.number > 1:
            await connection.gone()

    async with serving(script) as server, curl(server.url) as client:
        assert (await client.send()).failure is None
        await server.all_closed.wait()
        answer = await client.send("POST", body=b"x")
    assert answer.sends == 1
    assert server.count("POST ") == (1 if answer.status == 200 else 0)
    assert answer.failure is None or answer.failure.kind == "lost"


@pytest.mark.parametrize(("method", "goes_again"), [("GET", True), ("POST", False)])
async def test_a_kept_connection_of_http2_that_does_not_take_a_request_any_more(
    method: str, goes_again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libcurl sees that as it sends, once in some 100,000 requests, and gives up over HTTP/2."""
    async with serving(always(GOOD)) as server, curl(server.url) as client:
        kept = await client.send()
        perform, calls = client.transport._multi.perform, []

        async def failing_once(handle: pycurl.Curl) -> None:
            calls.append(handle)
            if len(calls) == 1:
                raise pycurl.error(pycurl.E_SEND_ERROR, "Send failure: Broken pipe")
            await perform(handle)

        monkeypatch.setattr(client.transport._multi, "perform", failing_once)
        answer = await client.send(method, body=b"x" if method == "POST" else None)
    assert server.count(f"{method} ") == goes_again + (method == "GET")
    assert (answer.status, answer.fresh) == ((200, True) if goes_again else (None, False))
    assert answer.connection != kept.connection


async def test_a_connection_idle_for_long_is_not_used_for_a_write() -> None:
    """Servers close idle connections after seconds; whoever is late loses the request."""
    async with serving(always(GOOD)) as server, curl(server.url) as client:
        await client.send()
        await asyncio.sleep(2.1)  # the clock is libcurl's
        answer = await client.send("POST", body=b"x")
    assert (answer.status, answer.sends, answer.fresh) == (200, 1, True)


async def test_many_writes_at_once_over_dying_connections() -> None:
    """Each arrives at most once, and is answered exactly if it says so."""
    answered: list[int] = []

    async def script(connection: Connection) -> None:
        while True:
            request = await connection.request()
            if len(server.requests) % 3 == 0:
                connection.reset()
                return
            answered.append(int(request.rpartition(b"\r\n\r\n")[2]))
            await connection.send(GOOD)

    async with serving(script) as server, curl(server.url, max_connections=5) as client:
        answers = await asyncio.gather(
            *(client.send("POST", body=str(number).encode()) for number in range(60))
        )
    bodies = [request.rpartition(b"\r\n\r\n")[2] for request in server.requests]
    assert len(bodies) == len(set(bodies))
    assert sorted(answered) == [n for n, answer in enumerate(answers) if answer.status == 200]
    assert {answer.sends for answer in answers} <= {0, 1}


async def test_a_write_that_is_asked_to_come_again_is_left_to_the_client() -> None:
    async with (
        serving(always(reply("417 Expectation Failed"))) as server,
        curl(server.url) as client,
    ):
        answer = await client.send("POST", body=b"x" * 2_000_000)
    assert (answer.status, answer.sends) == (417, 1)
    assert server.count("POST ") == 1


async def test_an_answer_that_was_not_asked_for_does_not_answer_the_next_request() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(GOOD + reply("200 OK", b"stale"))
        await connection.request()
        await connection.send(reply("200 OK", b"true"))

    async with serving(script) as server, curl(server.url) as client:
        await client.send()
        answer = await client.send()
    assert answer.body != b"stale"


def test_the_server_counts_what_arrives() -> None:
    server = RawServer("http://127.0.0.1")
    server.requests += [b"POST /a", b"POST /b", b"GET /a"]
    assert (server.count("POST "), server.count("GET /b")) == (2, 0)
