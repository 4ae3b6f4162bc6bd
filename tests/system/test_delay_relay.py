"""The relay's delays have lower bounds that a client can measure; its troubles strike once."""

from __future__ import annotations

import hashlib
import socket
import ssl
import time
from collections.abc import Callable

import pytest
from smokegate.fault_proxy.certificates import Certificates
from smokegate.fault_proxy.loop_thread import LoopThread

from tests.system.conftest import OpenProxy
from tests.system.delay_relay import DelayRelay, Reset, Stall, Trouble
from tests.system.ports import free_port
from tests.system.raw_client import KeptConnection, ask, connected, read_until_closed, send_get
from tests.system.tiny_upstream import TEXT, TinyUpstream

RTT_S = 0.1
OpenRelay = Callable[..., DelayRelay]


@pytest.fixture
def open_relay(tiny_upstream: TinyUpstream, loop_thread: LoopThread) -> OpenRelay:
    """Open a relay in front of the small server, or of `url`."""

    def open_one(*troubles: Trouble, rtt_s: float = 0.0, url: str | None = None) -> DelayRelay:
        return loop_thread.keep(DelayRelay(url or tiny_upstream.url, rtt_s, troubles))

    return open_one


def took_s(act: Callable[[], object]) -> float:
    started_s = time.monotonic()
    act()
    return time.monotonic() - started_s


def test_a_first_request_takes_two_round_trips(open_relay: OpenRelay) -> None:
    relay = open_relay(rtt_s=RTT_S)
    assert took_s(lambda: ask(relay.url + "/json")) >= 2 * RTT_S


def test_a_later_request_takes_one_more(open_relay: OpenRelay) -> None:
    with connected(open_relay(rtt_s=RTT_S).url) as connection:
        kept = KeptConnection(connection)
        kept.ask("GET", "/json")
        assert took_s(lambda: kept.ask("GET", "/json")) >= RTT_S


def test_tls_takes_one_round_trip_more(
    open_relay: OpenRelay,
    open_proxy: OpenProxy,
    certificates: Certificates,
    trusting: ssl.SSLContext,
) -> None:
    secured = open_proxy(tls=certificates.good().context())
    relay = open_relay(rtt_s=RTT_S, url=secured.url)
    started_s = time.monotonic()
    with connected(relay.url, trusting) as connection:
        assert time.monotonic() - started_s >= 2 * RTT_S
        assert KeptConnection(connection).ask("GET", "/json").status == 200
        assert time.monotonic() - started_s >= 3 * RTT_S


def test_what_waits_before_the_first_round_trip_is_over_is_not_delayed_twice(
    open_relay: OpenRelay, tiny_upstream: TinyUpstream
) -> None:
    """A client that thinks for a round trip before it sends meets an open connection."""
    relay = open_relay(rtt_s=RTT_S)
    with connected(relay.url) as connection:
        time.sleep(RTT_S)
        assert took_s(lambda: KeptConnection(connection).ask("GET", "/json")) >= RTT_S
    assert tiny_upstream.seen == [("GET", "/json")]


def test_every_byte_arrives_in_order(open_relay: OpenRelay) -> None:
    body = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(40_000))
    relay = open_relay(rtt_s=0.02)
    echoed = ask(relay.url + "/echo", method="POST", body=body).body
    assert hashlib.sha256(echoed).digest() == hashlib.sha256(body).digest()


def test_connections_are_counted_and_served_side_by_side(open_relay: OpenRelay) -> None:
    relay = open_relay(rtt_s=0.01)
    with connected(relay.url) as first, connected(relay.url) as second:
        assert KeptConnection(second).ask("GET", "/text").body == TEXT
        assert KeptConnection(first).ask("GET", "/text").body == TEXT
    assert relay.connections == 2


def test_the_end_of_a_stream_is_passed_on(open_relay: OpenRelay) -> None:
    relay = open_relay(rtt_s=0.01)
    with connected(relay.url) as connection:
        connection.sendall(b"GET /json HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        came, reset = read_until_closed(connection)
    assert came.startswith(b"HTTP/1.1 200")
    assert not reset


@pytest.mark.parametrize("after_bytes", [0, 100])
def test_one_connection_stalls_and_goes_on(open_relay: OpenRelay, after_bytes: int) -> None:
    stall = Stall(connection=2, seconds=0.3, after_bytes=after_bytes)
    relay = open_relay(stall)
    ask(relay.url + "/json")
    assert relay.struck == []
    with connected(relay.url) as connection:
        kept = KeptConnection(connection)
        assert took_s(lambda: kept.ask("GET", "/text")) >= 0.3
        assert kept.ask("GET", "/text").body == TEXT
    assert relay.struck == [stall]


def test_the_bytes_before_a_stall_are_not_held(open_relay: OpenRelay) -> None:
    with connected(open_relay(Stall(1, seconds=60.0, after_bytes=10)).url) as connection:
        send_get(connection, "/json")
        came = b""
        while len(came) < 10:
            came += connection.recv(65_536)
        assert came == b"HTTP/1.1 2"


@pytest.mark.parametrize("after_bytes", [0, 1000])
def test_one_connection_is_reset_and_the_next_is_fine(
    open_relay: OpenRelay, tiny_upstream: TinyUpstream, after_bytes: int
) -> None:
    reset = Reset(connection=1, after_bytes=after_bytes)
    relay = open_relay(reset)
    with connected(relay.url) as connection:
        send_get(connection, "/text")
        came, by_reset = read_until_closed(connection)
    assert (len(came), by_reset) == (after_bytes, True)
    assert ask(relay.url + "/text").body == TEXT
    assert relay.struck == [reset]
    assert tiny_upstream.seen == [("GET", "/text")] * 2


def test_trouble_waits_for_a_connection_that_gets_so_far(open_relay: OpenRelay) -> None:
    reset = Reset(connection=2, after_bytes=1000)
    relay = open_relay(reset)
    assert ask(relay.url + "/text").body == TEXT
    assert ask(relay.url + "/json").status == 200
    assert relay.struck == []
    with connected(relay.url) as connection:
        send_get(connection, "/text")
        assert read_until_closed(connection)[1]
    assert relay.struck == [reset]
    assert ask(relay.url + "/text").body == TEXT


def test_an_upstream_that_refuses_shows_as_a_reset(open_relay: OpenRelay) -> None:
    relay = open_relay(rtt_s=RTT_S, url=f"http://127.0.0.1:{free_port()}")
    started_s = time.monotonic()
    with connected(relay.url) as connection:
        assert read_until_closed(connection) == (b"", True)
    assert time.monotonic() - started_s >= RTT_S


def test_closing_ends_connections_that_are_open(tiny_upstream: TinyUpstream) -> None:
    with LoopThread() as loop:
        relay = loop.keep(DelayRelay(tiny_upstream.url, rtt_s=0.01))
        connection = socket.create_connection(("127.0.0.1", relay.port), 60.0)
        send_get(connection, "/json")
        connection.recv(1)
    with connection:
        read_until_closed(connection)
