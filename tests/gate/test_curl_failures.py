"""What the transport makes of every way not to be answered."""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from smokegate.client.curl_failures import Circumstances, timeout_kind
from smokegate.client.transport import Answer, Request
from smokegate.client.trouble import WORDS
from smokegate.fault_proxy.certificates import Certificates, ServedCertificate
from smokegate.results import Side

from tests.gate.curl_requests import curl
from tests.gate.raw_server import Connection, RawServer, Script, always, once, reply, serving
from tests.system.ports import free_port

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


async def answer_to(
    script: Script, *, tls: ssl.SSLContext | None = None, timeout_s: float = 10.0, **more: object
) -> tuple[Answer, RawServer]:
    async with serving(script, tls) as server, curl(server.url, **more) as client:  # type: ignore[arg-type]
        return await client.send(timeout_s=timeout_s), server


def kind(answer: Answer) -> str:
    assert answer.failure is not None, f"answered {answer.status}"
    assert answer.failure.kind in WORDS
    return answer.failure.kind


async def reset_at_once(connection: Connection) -> None:
    await connection.request()
    connection.reset()


async def reset_in_mid_reply(connection: Connection) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    connection.reset()


async def silent(connection: Connection) -> None:
    await connection.gone()


async def dripping(connection: Connection) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        await connection.send(b".")
        await asyncio.sleep(0.01)


async def dripping_head(connection: Connection) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await connection.send(b"X-A: b\r\n")
        await asyncio.sleep(0.01)


async def endless(connection: Connection) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await connection.send(b"x" * 65_536)


async def endless_head(connection: Connection) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await connection.send(b"X-A: " + b"b" * 60_000 + b"\r\n")


async def endless_line(connection: Connection) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 OK\r\nX-A: ")
    while True:
        await connection.send(b"b" * 65_536)


async def endless_interim(connection: Connection) -> None:
    await connection.request()
    while True:
        await connection.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (reset_at_once, "reset"),
        (reset_in_mid_reply, "reset"),
        (once(b""), "empty"),
        (once(OK + b"Content-Length: 100\r\n\r\nabc"), "truncated"),
        (once(CHUNKED + b"5\r\nabc"), "truncated"),
        (once(CHUNKED + b"3\r\nabc\r\n"), "truncated"),
        (once(CHUNKED + b"zz\r\n"), "protocol"),
        (once(CHUNKED + b"ffffffffffffffffff\r\n"), "protocol"),
        (once(OK + b"Content-Length: -1\r\n\r\nabc"), "protocol"),
        (once(OK + b"Content-Length: 9\r\nContent-Length: 3\r\n\r\nabc"), "protocol"),
        (once(b"<html>garbage of HTTP/0.9</html>"), "protocol"),
        (once(b"SSH-2.0-OpenSSH_9.6\r\n"), "protocol"),
        (once(b"\x15\x03\x03\x00\x02\x02\x46"), "protocol"),
        (once(b"HTTP/9.9 200 OK\r\n\r\n"), "protocol"),
        (once(b"HTTP/1.1 XXX OK\r\n\r\n"), "protocol"),
        (once(OK + b"no colon in this line\r\n\r\n"), "protocol"),
        (once(OK + b"X-A: b\0c\r\n\r\n"), "protocol"),
        (once(OK + b"X-A: b"), "truncated"),
        (endless, "too_large"),
        (endless_head, "too_large"),
        (endless_line, "too_large"),
        (endless_interim, "too_large"),
        (always(reply(body=b"x" * 1_000_001)), "too_large"),
    ],
)
async def test_what_the_target_does_wrong(script: Script, expected: str) -> None:
    answer, _ = await answer_to(script)
    assert kind(answer) == expected
    assert WORDS[expected].side is Side.TARGET
    assert answer.sends == 1
    assert len(answer.body) <= 1_000_000


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (silent, "silent"),
        (dripping, "slow_body"),
        (dripping_head, "slow_body"),
    ],
)
async def test_the_deadline_is_one_of_the_wall_clock(script: Script, expected: str) -> None:
    answer, _ = await answer_to(script, timeout_s=0.3)
    assert kind(answer) == expected
    assert "0.3 s" in (answer.failure.detail if answer.failure else "")
    assert WORDS[expected].side is Side.TARGET


async def test_the_limit_for_a_body_is_exact() -> None:
    answer, _ = await answer_to(always(reply(body=b"x" * 1_000_000)))
    assert (answer.failure, len(answer.body)) == (None, 1_000_000)


async def test_what_came_before_the_failure_is_kept() -> None:
    answer, _ = await answer_to(
        once(b"HTTP/1.1 503 Gone\r\nX-A: b\r\nContent-Length: 9\r\n\r\nabc")
    )
    assert kind(answer) == "truncated"
    assert (answer.status, answer.body) == (503, b"abc")
    assert ("X-A", "b") in answer.headers


async def test_refused() -> None:
    async with curl(f"http://127.0.0.1:{free_port()}") as client:
        answer = await client.send()
    assert kind(answer) == "refused"
    assert (answer.sends, answer.status, answer.sources) == (0, None, ("127.0.0.1",))


async def test_many_requests_to_a_silent_target_are_each_told_that_it_is_silent() -> None:
    async with serving(silent) as server, curl(server.url) as client:
        answers = await asyncio.gather(*(client.send(timeout_s=0.3) for _ in range(4)))
    assert [kind(answer) for answer in answers] == ["silent"] * 4


async def test_many_requests_to_a_target_that_is_silent_in_the_handshake() -> None:
    async with (
        serving(silent) as server,
        curl(server.url.replace("http:", "https:")) as client,
    ):
        answers = await asyncio.gather(*(client.send(timeout_s=0.5) for _ in range(4)))
    assert [kind(answer) for answer in answers] == ["tls_timeout"] * 4


async def test_waiting_for_a_connection_of_our_own_is_our_trouble() -> None:
    async with serving(silent) as server, curl(server.url, max_connections=1) as client:
        first = asyncio.create_task(client.send(timeout_s=0.5))
        await asyncio.sleep(0)
        second = await client.send(timeout_s=0.2)
        assert kind(await first) == "silent"
    assert kind(second) == "queued"
    assert WORDS["queued"].side is Side.RUNNER


@contextmanager
def full_backlog() -> Iterator[int]:
    """Listen without ever accepting, until the system lets nobody in any more."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        port: int = listening.getsockname()[1]
        yield port


async def test_a_connect_timeout() -> None:
    with full_backlog() as port:
        async with curl(f"http://127.0.0.1:{port}") as client:
            answer = await client.send(timeout_s=0.2)
    assert kind(answer) == "connect_timeout"
    assert answer.sends == 0
    assert answer.sources == ("127.0.0.1",)
    assert WORDS["connect_timeout"].side is Side.UNDECIDED


async def test_a_name_that_does_not_exist() -> None:
    async with curl("http://no-such-name.invalid") as client:
        answer = await client.send()
    # On a machine without any resolver even a name that cannot exist is the resolver's trouble.
    assert kind(answer) in ("name_missing", "resolver")
    assert WORDS["name_missing"].incurable


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (socket.EAI_NONAME, "name_missing"),
        (socket.EAI_AGAIN, "resolver"),
        (socket.EAI_FAIL, "resolver"),
        (0, "resolver"),
    ],
)
async def test_a_missing_name_is_told_from_a_resolver_in_trouble(
    code: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve(*_: object) -> list[object]:
        if code:
            raise socket.gaierror(code, "words")
        return []

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    async with curl("http://no-such-name.invalid") as client:
        assert kind(await client.send()) == expected


class NothingYet:
    """A request that libcurl gave up before it had so much as an address."""

    def getinfo(self, option: int) -> int:
        return 0


@pytest.mark.parametrize(
    ("multiplexes", "fresh", "expected"),
    [
        (False, False, "resolver"),
        (False, True, "resolver"),
        (True, True, "resolver"),
        (True, False, "connect_timeout"),  # it may have waited for another one's connection
    ],
)
def test_a_resolver_that_is_silent_is_not_taken_for_a_connect_timeout(
    multiplexes: bool, fresh: bool, expected: str
) -> None:
    seen = Circumstances(
        request=Request(method="GET", url="http://target.invalid", headers=[], fresh=fresh),
        sent=False,
        proxied=False,
        queued=False,
        multiplexes=multiplexes,
    )
    assert timeout_kind(NothingYet(), seen) == expected


async def test_no_descriptors_left_is_our_trouble() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with serving(always(reply())) as server, curl(server.url) as client:
        assert (await client.send()).failure is None
        probe = socket.socket()
        resource.setrlimit(resource.RLIMIT_NOFILE, (probe.fileno(), hard))
        probe.close()
        held = []
        try:
            while True:
                held.append(socket.socket())
        except OSError as error:
            assert error.errno == errno.EMFILE  # noqa: PT017 - how the loop ends
        try:
            answer = await client.send(fresh=True)
        finally:
            for each in held:
                each.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert kind(answer) == "local"
    assert answer.sends == 0


async def test_a_url_that_cannot_be_sent_is_our_trouble() -> None:
    async with serving(always(reply())) as server, curl(server.url) as client:
        answer = await client.send(path="/a b")
    assert kind(answer) == "local"
    assert server.requests == []


async def test_an_authority_file_that_cannot_be_read_is_our_trouble(
    tmp_path: Path, certificates: Certificates
) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("not a certificate")
    async with (
        serving(always(reply()), certificates.good().context()) as server,
        curl(server.url, ca_file=broken) as client,
    ):
        answer = await client.send()
    assert kind(answer) == "local"


@pytest.mark.parametrize(
    ("served", "expected"),
    [
        (Certificates.expired, "certificate_expired"),
        (Certificates.wrong_host, "certificate_wrong_host"),
        (Certificates.self_signed, "certificate_untrusted"),
        (Certificates.incomplete_chain, "certificate_untrusted"),
    ],
)
async def test_certificates_that_are_wrong(
    served: object, expected: str, certificates: Certificates
) -> None:
    assert callable(served)
    certificate: ServedCertificate = served(certificates)
    async with (
        serving(always(reply()), certificate.context()) as server,
        curl(server.url, ca_file=certificates.ca_file) as client,
    ):
        answers = [await client.send(), await client.send("POST", body=b"x")]
    for answer in answers:
        assert kind(answer) == expected
        assert answer.sends == 0
    assert server.requests == []


async def test_the_systems_authorities_are_not_asked_when_one_is_named(
    certificates: Certificates,
) -> None:
    async with (
        serving(always(reply()), certificates.good().context()) as server,
        curl(server.url) as client,
    ):
        assert kind(await client.send()) == "certificate_untrusted"


async def test_tls_spoken_to_a_port_without_it() -> None:
    async with (
        serving(once(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server,
        curl(server.url.replace("http:", "https:")) as client,
    ):
        # Whoever reads for a line break that never comes in a handshake says nothing at all.
        answer = await client.send(timeout_s=0.5)
    assert kind(answer) in ("tls", "tls_timeout")


async def test_a_reset_in_the_handshake() -> None:
    async def script(connection: Connection) -> None:
        connection.reset()

    async with (
        serving(script) as server,
        curl(server.url.replace("http:", "https:")) as client,
    ):
        assert kind(await client.send()) in ("reset", "tls")


async def test_no_version_of_tls_in_common(certificates: Certificates) -> None:
    context = certificates.good().legacy_context(ssl.TLSVersion.TLSv1_1)
    async with (
        serving(always(reply()), context) as server,
        curl(server.url, ca_file=certificates.ca_file) as client,
    ):
        assert kind(await client.send()) == "tls"


async def test_a_version_of_tls_that_we_cannot_offer_is_our_trouble(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A library that is built without old versions has none of their ciphers either.
    monkeypatch.setattr("smokegate.client.curl._CIPHERS_OF_OLD", "AESGCM")
    context = certificates.good().legacy_context(ssl.TLSVersion.TLSv1_1)
    async with (
        serving(always(reply()), context) as server,
        curl(server.url, ca_file=certificates.ca_file) as client,
    ):
        answer = await client.send(tls_max="1.1")
    assert kind(answer) == "tls_not_offered"
    assert WORDS["tls_not_offered"].side is Side.RUNNER


async def test_a_proxy_that_is_down_is_our_trouble() -> None:
    async with curl("http://target.invalid", proxy=f"http://127.0.0.1:{free_port()}") as client:
        answer = await client.send()
    assert kind(answer) == "proxy"
    assert WORDS["proxy"].side is Side.RUNNER


@pytest.mark.parametrize(
    "status", ["403 Forbidden", "407 Proxy Authentication Required", "502 Bad"]
)
async def test_a_proxy_that_opens_no_tunnel_is_our_trouble(status: str) -> None:
    async with (
        serving(always(reply(status))) as proxy,
        curl("https://target.invalid", proxy=proxy.url) as client,
    ):
        answer = await client.send()
    assert kind(answer) == "proxy"
    assert answer.sends == 0
    assert proxy.count("CONNECT target.invalid:443") >= 1


async def test_a_proxy_that_demands_a_login_for_plain_http_is_our_trouble() -> None:
    async with (
        serving(always(reply("407 Proxy Authentication Required"))) as proxy,
        curl("http://target.invalid", proxy=proxy.url) as client,
    ):
        answer = await client.send()
    assert kind(answer) == "proxy"


async def test_a_407_of_the_target_itself_is_a_reply() -> None:
    answer, _ = await answer_to(always(reply("407 Proxy Authentication Required")))
    assert (answer.status, answer.failure) == (407, None)


async def test_a_proxy_that_says_nothing_is_our_trouble() -> None:
    async with (
        serving(silent) as proxy,
        curl("https://target.invalid", proxy=proxy.url) as client,
    ):
        answer = await client.send(timeout_s=0.2)
    assert kind(answer) == "proxy"


async def test_a_proxy_whose_name_does_not_exist_is_our_trouble() -> None:
    async with curl("http://127.0.0.1:1", proxy="http://no-such-proxy.invalid:1") as client:
        assert kind(await client.send()) == "proxy"
