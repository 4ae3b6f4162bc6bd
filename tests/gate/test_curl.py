"""The transport over real sockets: what goes out, what comes back, over which connections."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from smokegate.client.transport import Headers
from smokegate.fault_proxy.certificates import Certificates

from tests.gate.curl_requests import curl
from tests.gate.raw_server import Connection, always, reply, serving

GOOD = reply(body=b'{"fine": true}')


async def test_a_reply_comes_back_whole() -> None:
    data = reply("201 Created", b"made", "X-One: 1", "X-One: 2", "X-Empty:", media_type="text/x")
    async with serving(always(data)) as server, curl(server.url) as client:
        answer = await client.send()
    assert (answer.status, answer.body, answer.failure) == (201, b"made", None)
    assert answer.headers == [
        ("Content-Type", "text/x"),
        ("Content-Length", "4"),
        ("X-One", "1"),
        ("X-One", "2"),
        ("X-Empty", ""),
    ]
    assert answer.http_version == "HTTP/1.1"
    assert answer.address == server.url.removeprefix("http://")
    assert (answer.sends, answer.fresh, answer.proxy) == (1, True, "")
    assert answer.certificate is None


@pytest.mark.parametrize(
    ("method", "body", "headers", "wire"),
    [
        ("GET", None, [], b"GET /things START\r\n"),
        ("DELETE", None, [("X-A", "b")], b"DELETE /things STARTX-A: b\r\n\r\n"),
        ("HEAD", None, [("X-Empty", "")], b"HEAD /things STARTX-Empty:\r\n\r\n"),
        # RFC 9110, 8.6: a method that expects content says that there is none.
        ("POST", None, [], b"POST /things STARTContent-Length: 0\r\n\r\n"),
        ("PATCH", b"", [], b"PATCH /things STARTContent-Length: 0\r\n\r\n"),
        (
            "POST",
            b"\x00\xff",
            [("content-type", "x/y")],
            b"POST /things STARTcontent-type: x/y\r\nContent-Length: 2\r\n\r\n\x00\xff",
        ),
        # Nothing is sent that the record does not show.
        ("PUT", b"a=b", [], b"PUT /things STARTContent-Length: 3\r\n\r\na=b"),
    ],
    ids=["get", "delete", "head", "post nothing", "patch nothing", "post", "put"],
)
async def test_what_goes_over_the_wire(
    method: str, body: bytes | None, headers: Headers, wire: bytes
) -> None:
    data = GOOD if method != "HEAD" else b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    async with serving(always(data)) as server, curl(server.url) as client:
        answer = await client.send(method, body=body, headers=headers)
    assert answer.status == 200
    assert answer.failure is None
    host = server.url.removeprefix("http://").encode()
    assert server.requests == [wire.replace(b"START", b"HTTP/1.1\r\nHost: " + host + b"\r\n")]


async def test_a_large_body_is_sent_at_once() -> None:
    """Without the header that makes a server be asked first, and a second send likely."""
    async with serving(always(GOOD)) as server, curl(server.url) as client:
        answer = await client.send("POST", body=b"x" * 3_000_000)
    assert answer.status == 200
    assert b"expect" not in server.requests[0].partition(b"\r\n\r\n")[0].lower()
    assert len(server.requests[0]) > 3_000_000


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "a\0b"])
async def test_a_header_cannot_smuggle_another(value: str) -> None:
    async with serving(always(GOOD)) as server, curl(server.url) as client:
        await client.send(headers=[("X-Mine", value)])
    lines = server.requests[0].split(b"\r\n")
    assert not any(line.startswith(b"X-Evil") for line in lines)
    assert len([line for line in lines if line]) == 3
    assert not set(b"\r\n\0") & set(b"".join(lines))


async def test_a_path_goes_out_as_it_was_written() -> None:
    path = "/a/../b/./c//d;e?f=%2F&g=[1]"
    async with serving(always(GOOD)) as server, curl(server.url) as client:
        await client.send(path=path)
    assert server.requests[0].startswith(f"GET {path} HTTP/1.1\r\n".encode())


async def test_an_interim_reply_is_not_the_reply() -> None:
    data = b"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n" + GOOD
    async with serving(always(data)) as server, curl(server.url) as client:
        answer = await client.send()
    assert (answer.status, answer.body) == (200, b'{"fine": true}')
    assert "X-Early" not in dict(answer.headers)


async def test_a_chunked_reply_with_trailers() -> None:
    data = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n"
    )
    async with serving(always(data)) as server, curl(server.url) as client:
        answer = await client.send()
    assert (answer.body, answer.failure) == (b"abcde", None)


async def test_encodings_are_left_for_us_to_undo() -> None:
    data = reply("200 OK", b"not gzip", "Content-Encoding: gzip")
    async with serving(always(data)) as server, curl(server.url) as client:
        answer = await client.send(headers=[("Accept-Encoding", "gzip")])
    assert (answer.body, answer.failure) == (b"not gzip", None)


@pytest.mark.parametrize("status", ["301 Moved", "307 Temporary Redirect"])
async def test_redirects_are_not_followed_by_the_transport(status: str) -> None:
    async with (
        serving(always(reply(status, b"", "Location: /else"))) as server,
        curl(server.url) as client,
    ):
        answer = await client.send()
    assert answer.status == int(status[:3])
    assert len(server.requests) == 1


async def test_a_connection_is_kept() -> None:
    async with serving(always(GOOD)) as server, curl(server.url) as client:
        answers = [await client.send() for _ in range(3)]
    assert server.connections == 1
    assert [answer.fresh for answer in answers] == [True, False, False]
    assert len({answer.connection for answer in answers}) == 1
    assert answers[1].timing.connect_s == 0.0
    # The round trip was measured when the connection was opened, and is known from then on.
    assert len({answer.timing.round_trip_s for answer in answers}) == 1
    assert answers[2].timing.round_trip_s == answers[0].timing.connect_s > 0


async def test_a_fresh_connection_is_a_new_one_and_is_not_kept() -> None:
    async with serving(always(GOOD)) as server, curl(server.url) as client:
        first = await client.send()
        fresh = [await client.send(fresh=True) for _ in range(2)]
        last = await client.send()
    assert server.connections == 3
    assert all(answer.fresh for answer in fresh)
    assert len({each.connection for each in (first, *fresh)}) == 3
    assert (last.connection, last.fresh) == (first.connection, False)


async def test_a_fresh_connection_resumes_no_tls_session(certificates: Certificates) -> None:
    tls = certificates.good().context()
    tls.maximum_version = ssl.TLSVersion.TLSv1_2  # where the server sees that it was resumed
    closing = reply("200 OK", b"", "Connection: close")

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(closing)
        connection.close()

    async with (
        serving(script, tls) as server,
        curl(server.url, ca_file=certificates.ca_file) as client,
    ):
        for _ in range(2):
            assert (await client.send()).failure is None
        assert (await client.send(fresh=True)).failure is None
    assert server.handshakes_resumed == [False, True, False]


async def test_requests_at_once_have_connections_of_their_own_up_to_the_limit() -> None:
    arrived = asyncio.Barrier(3)

    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await arrived.wait()  # only three requests at the same time get past this
            await connection.send(GOOD)

    async with serving(script) as server, curl(server.url, max_connections=3) as client:
        answers = await asyncio.gather(*(client.send() for _ in range(6)))
    assert [answer.status for answer in answers] == [200] * 6
    assert server.connections == 3


async def test_phases_and_certificate_are_recorded(certificates: Certificates) -> None:
    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await asyncio.sleep(0.05)
            await connection.send(GOOD[:20])
            await asyncio.sleep(0.05)
            await connection.send(GOOD[20:])

    async with serving(script, certificates.good().context()) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        async with curl(url, ca_file=certificates.ca_file) as client:
            first, second = await client.send(), await client.send()
    phases = first.timing
    assert phases.dns_s > 0
    assert phases.connect_s > 0
    assert phases.tls_s > 0
    assert phases.wait_s >= 0.04
    assert phases.receive_s >= 0.04
    parts = phases.dns_s + phases.connect_s + phases.tls_s + phases.wait_s + phases.receive_s
    assert parts <= phases.total_s + 0.001
    assert first.certificate is not None
    assert "trustme" in first.certificate.issuer
    assert first.certificate.not_before < first.certificate.not_after or first.certificate.not_after
    # On the kept connection there is nothing to look up, to open, or to shake.
    assert (second.timing.dns_s, second.timing.connect_s, second.timing.tls_s) == (0, 0, 0)
    assert second.timing.wait_s >= 0.04
    assert second.certificate is None


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
async def test_proxy_variables_are_ignored(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(always(reply("502 Bad Gateway"))) as proxy:
        monkeypatch.setenv(name, proxy.url)
        async with serving(always(GOOD)) as server, curl(server.url) as client:
            answer = await client.send()
    assert answer.status == 200
    assert proxy.connections == 0


async def test_a_proxy_is_used_when_told_and_recorded_without_its_password() -> None:
    async with serving(always(GOOD)) as proxy:
        authority = proxy.url.removeprefix("http://")
        async with curl(
            "http://target.invalid", proxy=f"http://me:Gehe1mnis@{authority}"
        ) as client:
            answer = await client.send()
    assert answer.status == 200
    assert proxy.requests[0].startswith(b"GET http://target.invalid/things HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic " in proxy.requests[0]
    assert answer.proxy == f"http://{authority}"


async def test_other_places_that_configure_curl_are_ignored(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / ".netrc").write_text("machine 127.0.0.1 login me password Gehe1mnis\n")
    (home / ".curlrc").write_text("header = X-Evil: 1\n")
    monkeypatch.setenv("HOME", str(home))
    async with serving(always(GOOD)) as server, curl(server.url) as client:
        await client.send()
    assert b"Authorization" not in server.requests[0]
    assert b"X-Evil" not in server.requests[0]


async def test_an_old_version_of_tls_is_offered_when_asked(certificates: Certificates) -> None:
    legacy = certificates.good().legacy_context(ssl.TLSVersion.TLSv1_1)
    async with (
        serving(always(GOOD), legacy) as server,
        curl(server.url, ca_file=certificates.ca_file) as client,
    ):
        accepted = await client.send("HEAD", tls_max="1.1", fresh=True)
    async with (
        serving(always(GOOD), certificates.good().context()) as server,
        curl(server.url, ca_file=certificates.ca_file) as client,
    ):
        refused = await client.send("HEAD", tls_max="1.1", fresh=True)
    assert accepted.status == 200
    assert (refused.status, refused.sends) == (None, 0)
    assert refused.failure is not None
    assert refused.failure.kind in ("tls", "reset")


async def test_a_cancelled_request_gives_its_connection_back() -> None:
    arrived = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        arrived.set()
        await connection.gone()

    async with serving(script) as server, curl(server.url, max_connections=1) as client:
        for _ in range(3):
            arrived.clear()
            sending = asyncio.create_task(client.send())
            await arrived.wait()
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
    assert server.connections == 3


async def test_closing_ends_what_is_under_way() -> None:
    arrived = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        arrived.set()
        await connection.gone()

    async with serving(script) as server:
        async with curl(server.url) as client:
            sending = asyncio.create_task(client.send())
            await arrived.wait()
        with pytest.raises(asyncio.CancelledError):
            await sending
