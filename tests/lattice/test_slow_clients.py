"""Clients that send or read slowly, and too many of them."""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx2
import pytest
from smokegate.fault_proxy.certificates import Certificates

from tests.lattice.processes import ENDED_WITHIN_S, Served

Serving = Callable[..., Served]
LOGIN = (
    b"POST /api/auth/login HTTP/1.1\r\nHost: lattice\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000\r\n\r\n"
)
DESCRIPTION = b"GET /openapi.json HTTP/1.1\r\nHost: lattice\r\n\r\n"


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("impatient")
    settings = {
        "LATTICE_DATABASE_URL": f"sqlite:///{folder}/lattice.db",
        "LATTICE_CLIENT_TIMEOUT_S": "0.5",
    }
    with Served("--dev", settings=settings) as served:
        yield served


def drip(connection: socket.socket, data: bytes) -> bytes:
    """Send a byte now and then until the server ends the connection; returns what it has said."""
    connection.settimeout(0.05)
    received = b""
    for byte in data:
        try:
            connection.send(bytes([byte]))
            said = connection.recv(65_536)
        except TimeoutError:
            continue
        except ConnectionError:
            return received
        received += said
        if not said:
            return received
    raise AssertionError("all of it was taken")


@pytest.mark.parametrize("head", [b"GET /", b"GET /health HTTP/1.1\r\nX: ", b"\r\n" * 10])
def test_a_request_that_does_not_come_is_not_waited_for(impatient: Served, head: bytes) -> None:
    with socket.create_connection(impatient.address, timeout=ENDED_WITHIN_S) as connection:
        connection.sendall(head)
        assert drip(connection, b"\r\n" * 500 if head.isspace() else b"x" * 1000) == b""


def test_a_connection_without_a_word_is_closed(impatient: Served) -> None:
    with socket.create_connection(impatient.address, timeout=ENDED_WITHIN_S) as connection:
        assert connection.recv(1) == b""


def test_a_second_request_that_does_not_come_is_not_waited_for(impatient: Served) -> None:
    with socket.create_connection(impatient.address, timeout=ENDED_WITHIN_S) as connection:
        connection.sendall(b"GET /version HTTP/1.1\r\nHost: lattice\r\n\r\n")
        assert connection.recv(10).startswith(b"HTTP/1.1 2")
        assert drip(connection, b"GET /" + b"x" * 1000).count(b"HTTP/1.1") == 0


def test_a_body_that_does_not_come_is_a_problem(impatient: Served) -> None:
    with socket.create_connection(impatient.address, timeout=ENDED_WITHIN_S) as connection:
        connection.sendall(LOGIN)
        reply = drip(connection, b" " * 1000)
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408")
    assert b"application/problem+json" in head
    assert b"The request body was not whole within 0.5 s." in body


def test_what_is_left_of_a_refused_body_is_not_waited_for(impatient: Served) -> None:
    with socket.create_connection(impatient.address, timeout=ENDED_WITHIN_S) as connection:
        connection.sendall(LOGIN.replace(b"1000", b"1000000000"))
        assert drip(connection, b" " * 1000).startswith(b"HTTP/1.1 413")


@contextmanager
def connected(served: Served, trust: ssl.SSLContext | None) -> Iterator[socket.socket]:
    """A connection into which little fits that is not read."""
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.settimeout(ENDED_WITHIN_S)
        plain.connect(served.address)
        if trust is None:
            yield plain
        else:
            with trust.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
                yield tls


@pytest.mark.sampled(1)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_reply_that_is_not_read_is_not_kept(
    serving: Serving, certificates: Certificates, tls: bool
) -> None:
    good = certificates.good()
    files = {"LATTICE_TLS_CERT": str(good.chain_file), "LATTICE_TLS_KEY": str(good.key_file)}
    served = serving(LATTICE_CLIENT_TIMEOUT_S="0.5", **(files if tls else {}))
    trust = ssl.create_default_context(cafile=certificates.ca_file) if tls else None
    with connected(served, trust) as connection:
        for _ in range(200):
            connection.sendall(DESCRIPTION)
        closed = select.poll()
        closed.register(connection, select.POLLRDHUP)
        assert closed.poll(ENDED_WITHIN_S * 1000), "still open"


def test_a_reply_that_is_read_slowly_but_steadily_arrives(impatient: Served) -> None:
    with connected(impatient, None) as connection:
        connection.sendall(DESCRIPTION * 60 + b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
        received, ends = bytearray(), time.monotonic() + ENDED_WITHIN_S
        while b'{"version"' not in received:
            received += connection.recv(200_000)
            time.sleep(0.005)
            assert time.monotonic() < ends


@pytest.mark.long
def test_too_many_connections_are_asked_to_come_back_and_operators_are_answered(
    serving: Serving,
) -> None:
    served = serving(LATTICE_CONNECTIONS_MAX="5", LATTICE_CLIENT_TIMEOUT_S="60")
    with ExitStack() as held:
        for _ in range(5):
            held.enter_context(socket.create_connection(served.address))
        busy = httpx2.get(f"{served.url}/api/plans")
        assert busy.status_code == 503
        assert (busy.headers["retry-after"], busy.headers["connection"]) == ("1", "close")
        assert busy.json()["detail"] == "Too many connections are open: come back in a second."
        assert httpx2.get(f"{served.url}/health").status_code == 200
        for _ in range(5):
            held.enter_context(socket.create_connection(served.address))
        with socket.create_connection(served.address, timeout=ENDED_WITHIN_S) as one_more:
            assert one_more.recv(1) == b""
    assert httpx2.get(f"{served.url}/api/plans").status_code == 200
