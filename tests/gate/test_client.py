"""The client: what it sends, what it follows, and what else checks can ask for."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from smokegate.errors import NoReply, NotApplicable
from smokegate.results import Timing

from tests.gate.clients import RUN_ID, TARGET, bound
from tests.gate.scripted_transport import NEVER, ScriptedTransport, Step, answered, unanswered

pytestmark = pytest.mark.virtual_clock


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_every_request_is_marked_and_recorded() -> None:
    transport = ScriptedTransport({"POST /things": answered(201, {"id": "1"})})
    it = bound(transport)
    reply = await it.client.post("/things", json={"name": "cube"}, headers={"X-A": "b"})
    assert reply.status == 201
    sent = transport.sent[0].request
    headers = dict(sent.headers)
    assert headers["User-Agent"] == "smokegate/test"
    assert headers["X-Smoke-Test"] == RUN_ID
    assert headers["Accept-Encoding"] == "gzip, deflate"
    assert headers["Content-Type"] == "application/json"
    assert headers["X-A"] == "b"
    assert sent.body == b'{"name":"cube"}'
    assert not sent.replayable
    exchange = it.evidence.exchanges[0]
    assert (exchange.number, exchange.method, exchange.url) == (1, "POST", f"{TARGET}/things")
    assert (exchange.status, exchange.sends, exchange.trouble) == (201, 1, None)


@pytest.mark.parametrize(
    ("method", "replayable"),
    [("GET", True), ("HEAD", True), ("OPTIONS", True)]
    + [(name, False) for name in ("POST", "PUT", "PATCH", "DELETE")],
)
async def test_only_reads_may_be_sent_again(method: str, replayable: bool) -> None:
    transport = ScriptedTransport()
    await bound(transport).client.request(method, "/things")
    assert transport.sent[0].request.replayable is replayable


async def test_headers_are_told_apart_in_any_case() -> None:
    transport = ScriptedTransport()
    client = bound(transport).client.with_token("token-of-anna")
    await client.get("/", headers={"authorization": "Basic eA==", "accept": "text/plain"})
    names = [name.lower() for name, _ in transport.sent[0].request.headers]
    assert len(names) == len(set(names))
    assert ("authorization", "Basic eA==") in transport.sent[0].request.headers


async def test_a_token_goes_to_the_origin_of_the_target_only() -> None:
    transport = ScriptedTransport()
    client = bound(transport).client.with_token("token-of-anna")
    await client.get("/things")
    await client.get(f"{TARGET}/things")
    await client.get(f"{TARGET}:443/things")
    await client.get("http://api.example.com/things")
    await client.get(f"{TARGET}:8443/things")
    tokens = [dict(sent.request.headers).get("Authorization") for sent in transport.sent]
    assert tokens == ["Bearer token-of-anna"] * 3 + [None] * 2


@pytest.mark.parametrize(
    "path",
    ["https://evil.example/", "http://evil.example/", "things", "@evil.example/", ".evil", ""],
)
async def test_nothing_is_sent_to_another_host(path: str) -> None:
    transport = ScriptedTransport()
    with pytest.raises(ValueError, match=r"host|begin"):
        await bound(transport).client.with_token("token-of-anna").get(path)
    assert transport.sent == []


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/things?to=https://elsewhere.example/x", "/things?to=https://elsewhere.example/x"),
        ("/a b/\u00fc", "/a%20b/%C3%BC"),
        ("/%20%2F", "/%20%2F"),
        ("/a\r\nb", "/a%0D%0Ab"),
        ("/[1]?a=b&c=d;e", "/[1]?a=b&c=d;e"),
    ],
)
async def test_paths_become_urls(path: str, url: str) -> None:
    transport = ScriptedTransport()
    await bound(transport).client.get(path)
    assert transport.sent[0].request.url == TARGET + url


async def test_names_are_unique_per_owner_and_run() -> None:
    it, other = bound(ScriptedTransport()), bound(ScriptedTransport())
    other.evidence.owner = "health.test_it#2"
    names = [it.client.unique("cube"), it.client.unique("cube"), other.client.unique("cube")]
    assert len(set(names)) == 3
    assert all(name.startswith("cube-") for name in names)


@pytest.mark.parametrize(
    ("pattern", "start", "end"),
    [
        ("smoketest-{uuid}@example.com", "smoketest-20260101-000000-abcdef-", "@example.com"),
        ("anna@example.com", "anna+20260101-000000-abcdef-", "@example.com"),
    ],
)
async def test_addresses(pattern: str, start: str, end: str) -> None:
    client = bound(ScriptedTransport(), test_email=pattern).client
    first, second = client.email(), client.email()
    assert first.startswith(start)
    assert first.endswith(end)
    assert first != second
    assert len(first.partition("@")[0]) <= 64  # RFC 5321, 4.5.3.1.1


async def test_the_timeout_is_the_settings_or_the_requests_own() -> None:
    transport = ScriptedTransport()
    client = bound(transport, timeout_s=7.0).client
    await client.get("/")
    await client.get("/", timeout_s=1.0)
    assert [sent.request.timeout_s for sent in transport.sent] == [7.0, 1.0]


@pytest.mark.parametrize("method", ["get", "post", "patch", "delete"])
async def test_each_method_has_a_name(method: str) -> None:
    transport = ScriptedTransport({f"{method.upper()} /things": answered(200, {"a": 1})})
    reply = await getattr(bound(transport).client, method)("/things", headers={"X-A": "b"})
    assert reply.json == {"a": 1}
    assert ("X-A", "b") in transport.sent[0].request.headers
    assert not transport.sent[0].request.fresh


async def test_default_ports_belong_to_the_origin() -> None:
    transport = ScriptedTransport()
    client = bound(transport, url="http://api.example.com").client.with_token("token-of-anna")
    await client.get("http://api.example.com:80/things")
    await client.get("http://api.example.com:443/things")
    tokens = [dict(sent.request.headers).get("Authorization") for sent in transport.sent]
    assert tokens == ["Bearer token-of-anna", None]


async def test_a_fresh_client_demands_fresh_connections() -> None:
    transport = ScriptedTransport()
    await bound(transport, fresh=True).client.with_token("token-of-anna").get("/")
    await bound(transport).client.get("/", fresh=True)
    assert all(sent.request.fresh for sent in transport.sent)


# Redirects.


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "location", ["/there", "there", f"{TARGET}/there#part", "//api.example.com/there"]
)
async def test_a_redirect_within_the_origin_is_followed(
    status: int, method: str, location: str
) -> None:
    transport = ScriptedTransport(
        {
            f"{method} /here": answered(status, headers=[("Location", location)]),
            f"{method} /there": answered(200, {"fine": True}),
        }
    )
    it = bound(transport)
    reply = await it.client.with_token("token-of-anna").request(method, "/here")
    assert reply.status == 200
    assert transport.sent[1].request.url == f"{TARGET}/there"
    assert dict(transport.sent[1].request.headers)["Authorization"] == "Bearer token-of-anna"
    assert len(it.evidence.exchanges) == 2


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/",
        "http://api.example.com/there",
        "https://api.example.com:8443/there",
        "//evil.example/there",
        "https://api.example.com@evil.example/",
        "https://somebody:hunter22@api.example.com/",
        "https://api.example.com.evil.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://[",
        "https://api.example.com:99999/",
        "https://api.example.com:port/",
        "\\\\evil.example/",
        "///evil.example",
    ],
)
async def test_a_redirect_elsewhere_is_not_followed(location: str) -> None:
    transport = ScriptedTransport({"GET /here": answered(302, headers=[("Location", location)])})
    reply = await bound(transport).client.with_token("token-of-anna").get("/here")
    for sent in transport.sent:
        assert sent.request.url.startswith(f"{TARGET}/")
    assert reply.status == (302 if len(transport.sent) == 1 else 404)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_write_follows_where_it_is_left_as_it_is(status: int) -> None:
    moved = answered(status, headers=[("Location", "/there")])
    transport = ScriptedTransport({"POST /here": moved, "POST /there": answered(201)})
    it = bound(transport)
    reply = await it.client.post("/here", json={"a": 1}, creates=("thing", "cube"))
    if status in (307, 308):
        assert (reply.status, transport.lines) == (201, ["POST /here", "POST /there"])
        assert transport.sent[1].request.body == b'{"a":1}'
        assert it.creations.settled == {0: False, 1: True}, "what is made there is written down too"
    else:
        assert (reply.status, transport.lines) == (status, ["POST /here"])


async def test_a_write_follows_to_no_other_origin() -> None:
    elsewhere = answered(307, headers=[("Location", "https://evil.example/here")])
    transport = ScriptedTransport({"POST /here": elsewhere})
    reply = await bound(transport).client.post("/here", json={})
    assert (reply.status, transport.lines) == (307, ["POST /here"])


async def test_redirects_in_a_circle_end() -> None:
    transport = ScriptedTransport({"GET /here": answered(302, headers=[("Location", "/here")])})
    reply = await bound(transport).client.get("/here")
    assert reply.status == 302
    assert len(transport.sent) == 6


async def test_a_probe_takes_a_refusal_for_an_answer() -> None:
    steps = [unanswered("refused"), answered(301), unanswered("local")]
    transport = ScriptedTransport({"GET /": steps})
    it = bound(transport)
    assert await it.client.probe("http://api.example.com/") is None
    reply = await it.client.probe("http://api.example.com/")
    assert reply is not None
    assert reply.status == 301
    assert it.evidence.failures == []
    with pytest.raises(NoReply):
        await it.client.probe("http://api.example.com/")
    assert it.evidence.trouble_on_our_side


async def test_a_probe_asks_the_resolver_twice() -> None:
    transport = ScriptedTransport({"GET /": [unanswered("resolver"), answered(200)]})
    it = bound(transport)
    reply = await it.client.probe("/")
    assert reply is not None
    assert (reply.status, it.evidence.trouble_on_our_side) == (200, "")
    with pytest.raises(NoReply):
        await bound(ScriptedTransport({"GET /": unanswered("resolver")})).client.probe("/")


async def test_a_handshake_says_whether_it_worked() -> None:
    transport = ScriptedTransport({"HEAD /health": [unanswered("tls"), answered(200)]})
    it = bound(transport)
    assert [await it.client.handshake(tls_max="1.1") for _ in range(2)] == [False, True]
    assert {sent.request.tls_max for sent in transport.sent} == {"1.1"}
    assert all(sent.request.fresh for sent in transport.sent)
    assert it.evidence.failures == []


async def test_an_old_version_that_we_cannot_offer_is_a_remark() -> None:
    transport = ScriptedTransport({"HEAD /health": unanswered("tls_not_offered", detail="why")})
    it = bound(transport)
    assert not await it.client.handshake(tls_max="1.1")
    (remark,) = it.evidence.remarks
    assert remark.startswith("TLS 1.1 was not tried: ")
    assert remark.endswith("(why)")


async def test_a_probe_that_is_cut_off_was_waiting_for_the_target() -> None:
    it = bound(ScriptedTransport({"GET /": NEVER}))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1) as it.evidence.limit:
            await it.client.probe(TARGET + "/", timeout_s=5)
    assert [each.trouble and each.trouble.kind for each in it.evidence.exchanges] == ["deadline"]


async def test_polling_asks_with_growing_pauses_until_it_will_do() -> None:
    transport = ScriptedTransport(
        {"GET /": [*[answered(200, {"n": n}) for n in range(5)]]}, latency_s=0.0
    )
    client, started = bound(transport).client, now()
    reply = await client.poll(
        lambda: client.get("/"), until=lambda got: got.read(int, "n") == 3, within_s=60
    )
    assert reply.read(int, "n") == 3
    assert len(transport.sent) == 4
    assert 0 < now() - started < 1


async def test_polling_ends_with_the_last_answer() -> None:
    transport = ScriptedTransport({"GET /": answered(200)})
    client, started = bound(transport).client, now()
    await client.poll(lambda: client.get("/"), until=lambda _: False, within_s=5)
    assert 5 <= now() - started <= 5.2
    before = len(transport.sent)
    await client.poll(lambda: client.get("/"), until=lambda _: False, within_s=0)
    assert len(transport.sent) == before + 1


async def test_skipping_and_warning() -> None:
    it = bound(ScriptedTransport())
    it.client.warn("a header is missing")
    with pytest.raises(NotApplicable, match="not here"):
        it.client.skip("not here")
    assert it.evidence.warnings == ["a header is missing"]
    assert [str(each) for each in it.evidence.ended] == ["not here"]


async def test_versions_are_counted() -> None:
    it = bound(ScriptedTransport())
    for version in ("1.0", "1.1", "1.0"):
        it.client.saw_version(version)
    assert it.session.versions == {"1.0": 2, "1.1": 1}


async def test_a_version_is_kept_as_far_as_it_can_be_one() -> None:
    it = bound(ScriptedTransport())
    it.client.saw_version("9" * 1_000_000)
    assert it.session.versions == {"9" * 100: 1}


@pytest.mark.parametrize(("wait_s", "is_slow"), [(5.1, False), (5.2, True)])
async def test_a_reply_that_takes_too_long_is_warned_about_and_nothing_more(
    wait_s: float, is_slow: bool
) -> None:
    """The network's round trip is left out."""
    timing = Timing(wait_s=wait_s, round_trip_s=0.15)
    answer = msgspec.structs.replace(answered().answer, timing=timing)
    it = bound(ScriptedTransport({"GET /things": Step(answer)}))
    assert (await it.client.get("/things")).status == 200
    assert [each.demand for each in it.evidence.expectations] == (
        ["it is answered within 5 s"] if is_slow else []
    )
    assert bool(it.evidence.warnings) is is_slow
    assert not it.evidence.failures
