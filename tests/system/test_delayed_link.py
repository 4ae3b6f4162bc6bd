"""Real packets that take time: every phase of a connection has its lower bound."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable

import pycurl
import pytest
from smokegate.fault_proxy import Always, FaultProxy, Occasion, Only, Seeded, Upstream
from smokegate.fault_proxy.certificates import Certificates
from smokegate.fault_proxy.loop_thread import LoopThread

from tests.system.delayed_link import DeadEnd, DelayedLink, available
from tests.system.raw_client import KeptConnection, client_context, connected
from tests.system.tiny_upstream import TEXT, TinyUpstream

RTT_S = 0.06
OpenFar = Callable[..., tuple[DelayedLink, str]]

pytestmark = pytest.mark.skipif(not available(), reason="no right to make a TUN device")


@pytest.fixture(scope="module")
def far_certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates for every far end that a link may get."""
    names = [f"198.18.{number}.2" for number in range(256)]
    return Certificates(tmp_path_factory.mktemp("far"), names)


@pytest.fixture(scope="module")
def far_trusting(far_certificates: Certificates) -> ssl.SSLContext:
    return client_context(far_certificates.ca_file)


@pytest.fixture
def open_far(
    tiny_upstream: TinyUpstream, loop_thread: LoopThread, far_certificates: Certificates
) -> OpenFar:
    """Open a link, and the small server over TLS at its far end."""

    def open_one(lost: Occasion | None = None) -> tuple[DelayedLink, str]:
        link = loop_thread.keep(DelayedLink(RTT_S, lost))
        tls = far_certificates.good().context()
        server = FaultProxy(Upstream(tiny_upstream.url), tls=tls, host=link.near)
        return link, f"https://{link.far}:{loop_thread.keep(server).port}"

    return open_one


def test_connecting_takes_a_round_trip_and_so_does_the_handshake(
    open_far: OpenFar, far_certificates: Certificates
) -> None:
    _, url = open_far()
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url + "/json")
    curl.setopt(pycurl.CAINFO, str(far_certificates.ca_file))
    curl.setopt(pycurl.WRITEFUNCTION, len)
    curl.perform()
    connected_s = curl.getinfo(pycurl.CONNECT_TIME)
    secured_s = curl.getinfo(pycurl.APPCONNECT_TIME)
    replied_s = curl.getinfo(pycurl.STARTTRANSFER_TIME)
    curl.close()
    assert connected_s >= RTT_S
    assert secured_s >= connected_s + RTT_S
    assert replied_s >= secured_s + RTT_S


def test_a_kept_connection_takes_one_round_trip_a_request(
    open_far: OpenFar,
    far_trusting: ssl.SSLContext,
) -> None:
    link, url = open_far()
    with connected(url, far_trusting) as connection:
        kept = KeptConnection(connection)
        for _ in range(3):
            started_s = time.monotonic()
            assert kept.ask("GET", "/text").body == TEXT
            assert time.monotonic() - started_s >= RTT_S
    assert link.packets > 0
    assert link.lost_packets == 0


@pytest.mark.parametrize(("lost", "at_least"), [(Only(3), 1), (Seeded(0.2, seed=5), 2)])
def test_lost_packets_are_sent_again(
    open_far: OpenFar,
    far_trusting: ssl.SSLContext,
    lost: Occasion,
    at_least: int,
) -> None:
    link, url = open_far(lost)
    with connected(url, far_trusting) as connection:
        assert KeptConnection(connection).ask("GET", "/text").body == TEXT
    assert link.lost_packets >= at_least


def test_when_all_is_lost_nothing_comes(open_far: OpenFar, far_trusting: ssl.SSLContext) -> None:
    link, url = open_far(Always())
    with connected(url) as connection:
        connection.settimeout(4 * RTT_S)
        with pytest.raises(TimeoutError):
            far_trusting.wrap_socket(connection, server_hostname=link.far)
    assert link.packets == link.lost_packets > 0


def test_a_dead_end_answers_nothing() -> None:
    with (
        DeadEnd() as nowhere,
        socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as client,
    ):
        client.settimeout(RTT_S)
        with pytest.raises(TimeoutError):
            client.connect((nowhere.address, 443))
        assert nowhere.count() > 0
