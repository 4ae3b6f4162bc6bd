"""The proxy without faults, its record, and which requests a fault strikes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl

import pytest
from smokegate.fault_proxy import (
    Always,
    Answer,
    EditReply,
    EveryNth,
    Fault,
    FaultProxy,
    FirstN,
    Only,
    Redirect,
    Refuse,
    Reply,
    Request,
    Seeded,
    SetField,
    SetHeader,
    SetStatus,
    Upstream,
    count_writes,
)
from smokegate.fault_proxy.certificates import Certificates
from smokegate.fault_proxy.loop_thread import LoopThread

from tests.system.conftest import OpenProxy
from tests.system.raw_client import KeptConnection, ask, connected
from tests.system.tiny_upstream import DOCUMENT, TEXT, TinyUpstream


def statuses(proxy: FaultProxy, count: int, target: str = "/json") -> list[int]:
    return [ask(proxy.url + target).status for _ in range(count)]


def test_without_faults_a_reply_passes_as_it_is(open_proxy: OpenProxy) -> None:
    proxy = open_proxy()
    answer = ask(proxy.url + "/text")
    assert (answer.status, answer.body) == (200, TEXT)
    assert ("X-Mixed-Case", "kept") in answer.headers
    assert proxy.record.strikes == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_bodies_pass_in_both_directions(open_proxy: OpenProxy, method: str) -> None:
    body = bytes(range(256)) * 1024
    assert ask(open_proxy().url + "/echo", method=method, body=body).body == body


def test_replies_without_a_body_keep_their_framing(open_proxy: OpenProxy) -> None:
    with connected(open_proxy().url) as connection:
        kept = KeptConnection(connection)
        assert kept.ask("GET", "/empty").status == 204
        head = kept.ask("HEAD", "/text")
        assert (head.header("Content-Length"), head.body) == (str(len(TEXT)), b"")
        assert kept.ask("GET", "/chunked").body == b"one two three"
        assert kept.ask("GET", "/nowhere").status == 404


def test_tls_on_both_sides(
    certificates: Certificates, trusting: ssl.SSLContext, loop_thread: LoopThread
) -> None:
    context = certificates.good().context()
    with TinyUpstream(tls=context) as upstream:

        async def ask_through_proxy() -> int:
            target = Upstream(upstream.url, certificates.ca_file)
            async with FaultProxy(target, tls=context) as proxy:
                return (await asyncio.to_thread(ask, proxy.url + "/json", tls=trusting)).status

        assert loop_thread.run(ask_through_proxy()) == 200


def test_an_upstream_that_is_not_trusted_is_not_asked(
    certificates: Certificates, open_proxy: OpenProxy
) -> None:
    with TinyUpstream(tls=certificates.self_signed().context()) as upstream:
        proxy = open_proxy(upstream=Upstream(upstream.url, certificates.ca_file))
        assert ask(proxy.url + "/json").status == 502
        assert upstream.seen == []
        assert "CERTIFICATE_VERIFY_FAILED" in proxy.record.upstream_failures[0]


def by_name(upstream: TinyUpstream | FaultProxy) -> Upstream:
    return Upstream(f"http://localhost:{upstream.port}", by_its_name=True)


def test_an_upstream_sees_the_host_that_the_client_asked_or_its_own_name(
    open_proxy: OpenProxy, tiny_upstream: TinyUpstream
) -> None:
    for upstream, host in (
        (Upstream(tiny_upstream.url), None),
        (by_name(tiny_upstream), f"localhost:{tiny_upstream.port}"),
    ):
        proxy = open_proxy(upstream=upstream)
        assert ask(proxy.url + "/json").status == 200
        asked = proxy.record.received[0].header("Host")
        assert proxy.record.forwarded[0].header("Host") == (host or asked)


@pytest.mark.parametrize(
    ("location", "passed_on"),
    [
        ("{origin}/text?a=1", "/text?a=1"),
        ("{origin}", "/"),
        ("{origin}?a=1", "/?a=1"),
        ("{origin}0/text", "{origin}0/text"),
        ("https://elsewhere.example/text", "https://elsewhere.example/text"),
        ("/text", "/text"),
    ],
)
def test_a_redirect_of_a_named_upstream_stays_at_the_proxy(
    open_proxy: OpenProxy, loop_thread: LoopThread, location: str, passed_on: str
) -> None:
    upstream = open_proxy()
    origin = f"http://localhost:{upstream.port}"
    proxy = open_proxy(upstream=by_name(upstream))
    redirected = Fault(Redirect(location.replace("{origin}", origin)))
    loop_thread.run(upstream.act_out(redirected))
    answer = ask(proxy.url + "/json")
    assert answer.header("Location") == passed_on.replace("{origin}", origin)


def test_the_record_tells_what_came_and_what_was_sent_on(
    open_proxy: OpenProxy, tiny_upstream: TinyUpstream
) -> None:
    proxy = open_proxy(Fault(Answer(200), path="^/kept-back"))
    with connected(proxy.url) as connection:
        kept = KeptConnection(connection)
        kept.ask("POST", "/echo?a=1", b"body", {"X-Mark": "m"})
        kept.ask("GET", "/kept-back")
    received = proxy.record.received
    assert [(r.number, r.connection, r.method, r.target) for r in received] == [
        (1, 1, "POST", "/echo?a=1"),
        (2, 1, "GET", "/kept-back"),
    ]
    assert received[0].header("x-mark") == "m"
    assert received[0].body_sha256 == hashlib.sha256(b"body").hexdigest()
    assert [(r.method, r.target) for r in proxy.record.forwarded] == tiny_upstream.seen
    assert tiny_upstream.seen == [("POST", "/echo?a=1")]


def test_a_connection_to_the_upstream_is_used_by_one_client_after_another(
    open_proxy: OpenProxy,
) -> None:
    proxy = open_proxy()
    with connected(proxy.url) as connection:
        kept = KeptConnection(connection)
        for _ in range(3):
            kept.ask("GET", "/json")
    ask(proxy.url + "/json")
    assert [r.connection for r in proxy.record.received] == [1, 1, 1, 2]
    assert [r.connection for r in proxy.record.forwarded] == [1, 1, 1, 1]


def test_a_write_that_arrives_again_is_counted(open_proxy: OpenProxy) -> None:
    proxy = open_proxy()
    for body, key in ((b"1", "a"), (b"1", "a"), (b"1", "b"), (b"2", "a")):
        ask(proxy.url + "/echo", method="POST", body=body, headers={"X-Key": key})
    ask(proxy.url + "/json")
    ask(proxy.url + "/json")
    assert sorted(count_writes(proxy.record.forwarded).values()) == [1, 3]
    assert sorted(count_writes(proxy.record.forwarded, "X-Key").values()) == [1, 1, 2]


def test_a_fault_strikes_its_method_and_path_only(open_proxy: OpenProxy) -> None:
    fault = Fault(SetStatus(500), method="POST|PUT", path=r"^/echo\?a=")
    proxy = open_proxy(fault)
    assert ask(proxy.url + "/echo?a=1", method="POST", body=b"x").status == 500
    assert ask(proxy.url + "/echo?a=1", method="PUT", body=b"x").status == 500
    assert ask(proxy.url + "/echo?b=1", method="POST", body=b"x").status == 200
    assert ask(proxy.url + "/echo?a=1").status == 200
    assert proxy.record.times_acted(fault) == 2
    assert [strike.request for strike in proxy.record.strikes] == [1, 2]


@pytest.mark.parametrize(
    ("when", "struck"),
    [
        (Always(), [1, 2, 3, 4, 5, 6]),
        (EveryNth(3), [3, 6]),
        (FirstN(2), [1, 2]),
        (Only(4), [4]),
    ],
)
def test_occasions_count_the_requests_that_match(
    open_proxy: OpenProxy, when: Always, struck: list[int]
) -> None:
    proxy = open_proxy(Fault(SetStatus(500), path="^/json", when=when))
    seen = []
    for _ in range(6):
        assert ask(proxy.url + "/text").status == 200
        seen += statuses(proxy, 1)
    assert [number for number, status in enumerate(seen, 1) if status == 500] == struck


def test_seeded_faults_repeat_and_keep_their_rate(open_proxy: OpenProxy) -> None:
    when = Seeded(0.25, seed=11)
    expected = [500 if when.chosen(number) else 200 for number in range(1, 41)]
    assert statuses(open_proxy(Fault(SetStatus(500), when=when)), 40) == expected
    struck = sum(Seeded(0.05, seed=3).chosen(number) for number in range(1, 20_001))
    assert 800 < struck < 1200
    assert [Seeded(0.5, seed=1).chosen(n) for n in range(64)] != [
        Seeded(0.5, seed=2).chosen(n) for n in range(64)
    ]


def test_a_fault_per_connection_strikes_all_requests_of_one_replica(open_proxy: OpenProxy) -> None:
    old = Fault(SetField(("version",), "1.0.0"), when=EveryNth(3), per="connection")
    proxy = open_proxy(old)
    served = []
    for _ in range(6):
        with connected(proxy.url) as connection:
            kept = KeptConnection(connection)
            served.append([json.loads(kept.ask("GET", "/json").body)["version"] for _ in range(2)])
    new, old_pair = ["2.0.0"] * 2, ["1.0.0"] * 2
    assert served == [new, new, old_pair, new, new, old_pair]


def test_a_fault_of_reused_connections_spares_the_first_request(open_proxy: OpenProxy) -> None:
    proxy = open_proxy(Fault(SetStatus(500), reused=True))
    with connected(proxy.url) as connection:
        kept = KeptConnection(connection)
        assert [kept.ask("GET", "/json").status for _ in range(3)] == [200, 500, 500]
    assert ask(proxy.url + "/json").status == 200


def test_several_faults_strike_one_request(open_proxy: OpenProxy) -> None:
    proxy = open_proxy(
        Fault(SetStatus(503)), Fault(SetHeader("X-One", "1")), Fault(SetField(("version",), 0))
    )
    answer = ask(proxy.url + "/json")
    assert (answer.status, answer.header("X-One")) == (503, "1")
    assert json.loads(answer.body) == DOCUMENT | {"version": 0}


def test_faults_change_while_the_proxy_runs(open_proxy: OpenProxy, loop_thread: LoopThread) -> None:
    proxy = open_proxy()
    once = Fault(SetStatus(500), when=FirstN(1))
    assert statuses(proxy, 1) == [200]
    loop_thread.run(proxy.act_out(once))
    assert statuses(proxy, 2) == [500, 200]
    loop_thread.run(proxy.act_out(once))
    assert statuses(proxy, 2) == [500, 200]
    loop_thread.run(proxy.act_out())
    assert statuses(proxy, 1) == [200]
    assert proxy.record.times_acted(once) == 2


def test_a_mistake_in_a_fault_is_raised_when_the_proxy_closes(tiny_upstream: TinyUpstream) -> None:
    def mistaken(_request: Request, _reply: Reply) -> Reply:
        raise KeyError("mistake")

    def meet_it() -> None:
        with LoopThread() as loop:
            fault = Fault(EditReply(mistaken))
            proxy = loop.keep(FaultProxy(Upstream(tiny_upstream.url), fault))
            with pytest.raises(ConnectionError):
                ask(proxy.url + "/json")

    with pytest.raises(ExceptionGroup) as raised:
        meet_it()
    assert raised.group_contains(KeyError, match="mistake")


def test_an_upstream_that_refuses_becomes_a_502(
    open_proxy: OpenProxy, loop_thread: LoopThread
) -> None:
    behind = open_proxy()
    proxy = open_proxy(upstream=Upstream(behind.url))
    assert statuses(proxy, 1) == [200]
    loop_thread.run(behind.act_out(Fault(Refuse())))
    assert statuses(proxy, 1) == [502]
    assert "GET /json" in proxy.record.upstream_failures[0]
