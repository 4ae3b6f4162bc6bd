"""Faults in how a reply travels, seen by clients that read every byte themselves."""

from __future__ import annotations

import time
from http.client import IncompleteRead

import pycurl
import pytest
from smokegate.fault_proxy import (
    Action,
    Chunked,
    Drip,
    Endless,
    Fault,
    Only,
    RawBytes,
    ResetBeforeReply,
    ResetMidBody,
    SetStatus,
    Silence,
    Stall,
    Truncate,
    count_writes,
)

from tests.system.conftest import OpenProxy
from tests.system.raw_client import KeptConnection, ask, connected, read_until_closed, send_get
from tests.system.tiny_upstream import TEXT, TinyUpstream

LISTEN_S = 0.2


def everything(open_proxy: OpenProxy, action: Action, target: str = "/text") -> tuple[bytes, bool]:
    """Return all bytes until the proxy closes the connection, and whether by RST."""
    with connected(open_proxy(Fault(action)).url) as connection:
        send_get(connection, target)
        return read_until_closed(connection)


def split(reply: bytes) -> tuple[bytes, bytes]:
    head, _, body = reply.partition(b"\r\n\r\n")
    return head, body


@pytest.mark.parametrize("upstream_sees", [True, False])
def test_reset_before_the_reply(
    open_proxy: OpenProxy, tiny_upstream: TinyUpstream, upstream_sees: bool
) -> None:
    assert everything(open_proxy, ResetBeforeReply(upstream_sees=upstream_sees)) == (b"", True)
    assert len(tiny_upstream.seen) == upstream_sees


def test_reset_in_the_middle_of_the_body(open_proxy: OpenProxy) -> None:
    came, reset = everything(open_proxy, ResetMidBody(keep=0.5))
    head, body = split(came)
    assert reset
    assert f"content-length: {len(TEXT)}".encode() in head.lower()
    assert body == TEXT[: len(TEXT) // 2]


def test_truncated_with_the_full_length(open_proxy: OpenProxy) -> None:
    came, reset = everything(open_proxy, Truncate(keep=0.25))
    assert (split(came)[1], reset) == (TEXT[: len(TEXT) // 4], False)
    with pytest.raises(IncompleteRead):
        ask(open_proxy(Fault(Truncate())).url + "/text")


def test_reset_on_every_post(open_proxy: OpenProxy) -> None:
    proxy = open_proxy(Fault(ResetBeforeReply(upstream_sees=False), method="POST"))
    assert ask(proxy.url + "/json").status == 200
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            ask(proxy.url + "/echo", method="POST", body=b"x")
    assert [seen.method for seen in proxy.record.forwarded] == ["GET"]


@pytest.mark.parametrize("upstream_sees", [True, False])
def test_reset_of_a_reused_connection(
    open_proxy: OpenProxy, tiny_upstream: TinyUpstream, upstream_sees: bool
) -> None:
    proxy = open_proxy(Fault(ResetBeforeReply(upstream_sees=upstream_sees), reused=True))
    with connected(proxy.url) as connection:
        kept = KeptConnection(connection)
        assert kept.ask("POST", "/echo", b"first").body == b"first"
        with pytest.raises(ConnectionResetError):
            kept.ask("POST", "/echo", b"second")
    assert len(tiny_upstream.seen) == 1 + upstream_sees


def test_the_record_shows_a_write_that_a_client_repeats(
    open_proxy: OpenProxy, tiny_upstream: TinyUpstream
) -> None:
    """libcurl repeats a request by itself when a reused connection is reset."""
    proxy = open_proxy(Fault(ResetBeforeReply(), path="/echo", reused=True))
    curl = pycurl.Curl()
    curl.setopt(pycurl.WRITEFUNCTION, len)
    for target in ("/json", "/echo"):
        curl.setopt(pycurl.URL, proxy.url + target)
        if target == "/echo":
            curl.setopt(pycurl.POSTFIELDS, "write=1")
        curl.perform()
    assert curl.getinfo(pycurl.RESPONSE_CODE) == 200
    curl.close()
    assert list(count_writes(proxy.record.forwarded).values()) == [2]
    assert tiny_upstream.seen.count(("POST", "/echo")) == 2


@pytest.mark.parametrize("upstream_sees", [True, False])
def test_silence_after_the_request(
    open_proxy: OpenProxy, tiny_upstream: TinyUpstream, upstream_sees: bool
) -> None:
    proxy = open_proxy(Fault(Silence(upstream_sees=upstream_sees)))
    with connected(proxy.url) as connection:
        send_get(connection, "/json")
        connection.settimeout(LISTEN_S)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    assert len(tiny_upstream.seen) == upstream_sees


def test_a_stall_for_good_and_one_that_ends(open_proxy: OpenProxy) -> None:
    with connected(open_proxy(Fault(Stall(keep=0.5))).url) as connection:
        send_get(connection, "/text")
        came = b""
        while len(split(came)[1]) < len(TEXT) // 2:
            came += connection.recv(65_536)
        connection.settimeout(LISTEN_S)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    started_s = time.monotonic()
    assert ask(open_proxy(Fault(Stall(seconds=0.2))).url + "/text").body == TEXT
    assert time.monotonic() - started_s >= 0.2


def test_a_drip_of_the_body_and_of_the_head(open_proxy: OpenProxy) -> None:
    slow = Fault(Drip(pause_s=0.01, bytes_per_pause=10), path="/json")
    proxy = open_proxy(slow)
    started_s = time.monotonic()
    with connected(proxy.url) as connection:
        kept = KeptConnection(connection)
        body = kept.ask("GET", "/json").body
        assert time.monotonic() - started_s >= 0.01 * (len(body) // 10)
        assert kept.ask("GET", "/text").body == TEXT
    with connected(open_proxy(Fault(Drip(pause_s=0.01, head=True))).url) as connection:
        send_get(connection, "/json")
        assert connection.recv(65_536) == b"H"


def test_an_endless_body(open_proxy: OpenProxy) -> None:
    proxy = open_proxy(Fault(Endless(piece=b"x" * 1024)))
    with connected(proxy.url) as connection:
        send_get(connection, "/json")
        came = bytearray()
        while len(came) < 100 * len(TEXT):
            piece = connection.recv(65_536)
            assert piece
            came += piece
    head = split(bytes(came[:4096]))[0].lower()
    assert b"transfer-encoding: chunked" in head
    assert b"content-length" not in head


def test_chunks(open_proxy: OpenProxy) -> None:
    proxy = open_proxy(Fault(Chunked(chunk_bytes=1000)))
    with connected(proxy.url) as connection:
        kept = KeptConnection(connection)
        answer = kept.ask("GET", "/text")
        assert (answer.header("Transfer-Encoding"), answer.body) == ("chunked", TEXT)
        assert kept.ask("HEAD", "/text").status == 200
        assert kept.ask("GET", "/empty").header("Transfer-Encoding") is None


def test_bytes_that_are_no_http(open_proxy: OpenProxy, tiny_upstream: TinyUpstream) -> None:
    assert everything(open_proxy, RawBytes(b"HTTP/9 \x00", upstream_sees=False)) == (
        b"HTTP/9 \x00",
        False,
    )
    assert tiny_upstream.seen == []


@pytest.mark.parametrize("action", [Truncate(), ResetMidBody(), Endless(), Drip(1.0), Stall()])
def test_what_needs_a_body_leaves_replies_without_one_alone(
    open_proxy: OpenProxy, action: Action
) -> None:
    fault = Fault(action)
    proxy = open_proxy(fault)
    assert ask(proxy.url + "/empty").status == 204
    assert ask(proxy.url + "/text", method="HEAD").status == 200
    assert proxy.record.times_acted(fault) == 0


def test_the_first_delivery_that_strikes_decides(open_proxy: OpenProxy) -> None:
    first = Fault(Truncate(), when=Only(2))
    second = Fault(Chunked())
    proxy = open_proxy(first, second, Fault(SetStatus(203)))
    with connected(proxy.url) as connection:
        kept = KeptConnection(connection)
        assert kept.ask("GET", "/text").header("Transfer-Encoding") == "chunked"
        with pytest.raises(IncompleteRead):
            kept.ask("GET", "/text")
    assert (proxy.record.times_acted(first), proxy.record.times_acted(second)) == (1, 1)
