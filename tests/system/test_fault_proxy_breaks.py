"""Faults of the connection, seen by bare sockets."""

from __future__ import annotations

import socket
import ssl

import pytest
from smokegate.fault_proxy import (
    AcceptSilently,
    EveryNth,
    Fault,
    FaultProxy,
    FirstN,
    HangHandshake,
    Only,
    PresentTls,
    Refuse,
    ResetOnAccept,
    Upstream,
)
from smokegate.fault_proxy.certificates import Certificates
from smokegate.fault_proxy.loop_thread import LoopThread

from tests.system.conftest import OpenProxy
from tests.system.raw_client import KeptConnection, ask, connected, read_until_closed, send_get
from tests.system.tiny_upstream import TinyUpstream

# Long enough to notice an answer, had there been one; an answer that is never sent cannot be late.
LISTEN_S = 0.2
HANDSHAKE_RECORD = 0x16


def test_refused_until_it_listens_again(open_proxy: OpenProxy, loop_thread: LoopThread) -> None:
    refusing = Fault(Refuse())
    proxy = open_proxy(refusing)
    url = proxy.url
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            ask(url + "/json")
    loop_thread.run(proxy.act_out())
    assert proxy.url == url
    assert ask(url + "/json").status == 200
    assert proxy.record.times_acted(refusing) == 1


def test_refusing_drops_open_connections(open_proxy: OpenProxy, loop_thread: LoopThread) -> None:
    proxy = open_proxy()
    with connected(proxy.url) as connection:
        assert KeptConnection(connection).ask("GET", "/json").status == 200
        loop_thread.run(proxy.act_out(Fault(Refuse())))
        assert read_until_closed(connection)[0] == b""
    with pytest.raises(ConnectionRefusedError):
        ask(proxy.url + "/json")


def test_accepted_and_silent(open_proxy: OpenProxy, tiny_upstream: TinyUpstream) -> None:
    silent = Fault(AcceptSilently())
    proxy = open_proxy(silent)
    with connected(proxy.url) as connection:
        send_get(connection, "/json")
        connection.settimeout(LISTEN_S)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    assert tiny_upstream.seen == []
    assert proxy.record.times_acted(silent) == 1


def test_reset_as_soon_as_accepted(open_proxy: OpenProxy) -> None:
    reset = Fault(ResetOnAccept(), when=FirstN(2))
    proxy = open_proxy(reset)
    for _ in range(2):
        with pytest.raises(ConnectionResetError), connected(proxy.url) as connection:
            connection.recv(1)
    assert proxy.record.times_acted(reset) == 2
    assert ask(proxy.url + "/json").status == 200


def test_a_handshake_that_hangs_after_its_first_bytes(
    open_proxy: OpenProxy, certificates: Certificates, trusting: ssl.SSLContext
) -> None:
    hanging = Fault(HangHandshake(sent_bytes=16), when=Only(1))
    proxy = open_proxy(hanging, tls=certificates.good().context())
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    handshake = trusting.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        handshake.do_handshake()
    with connected(proxy.url) as connection:
        connection.sendall(outgoing.read())
        came = b""
        while len(came) < 16:
            came += connection.recv(16 - len(came))
        assert came[0] == HANDSHAKE_RECORD
        connection.settimeout(LISTEN_S)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    assert ask(proxy.url + "/json", tls=trusting).status == 200
    assert proxy.record.times_acted(hanging) == 1


def test_a_handshake_cannot_hang_without_tls(tiny_upstream: TinyUpstream) -> None:
    def meet_it() -> None:
        with LoopThread() as loop:
            proxy = loop.keep(FaultProxy(Upstream(tiny_upstream.url), Fault(HangHandshake())))
            with connected(proxy.url) as connection:
                read_until_closed(connection)

    with pytest.raises(ExceptionGroup) as raised:
        meet_it()
    assert raised.group_contains(ValueError, match="speaks TLS")


def test_one_of_two_replicas_serves_an_expired_certificate(
    open_proxy: OpenProxy, certificates: Certificates, trusting: ssl.SSLContext
) -> None:
    expired = Fault(PresentTls(certificates.expired().context()), when=EveryNth(2))
    proxy = open_proxy(expired, tls=certificates.good().context())
    for _ in range(2):
        assert ask(proxy.url + "/json", tls=trusting).status == 200
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            ask(proxy.url + "/json", tls=trusting)
    assert proxy.record.times_acted(expired) == 2


def test_a_client_that_speaks_no_tls_harms_nobody(
    open_proxy: OpenProxy, certificates: Certificates, trusting: ssl.SSLContext
) -> None:
    proxy = open_proxy(tls=certificates.good().context())
    with connected(proxy.url) as connection:
        send_get(connection, "/json")
        read_until_closed(connection)
    assert ask(proxy.url + "/json", tls=trusting).status == 200


def test_the_port_stays_taken_while_it_refuses(open_proxy: OpenProxy) -> None:
    proxy = open_proxy(Fault(Refuse()))
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", proxy.port))
