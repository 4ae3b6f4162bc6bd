"""A client that hides nothing: one connection, no retries, no redirects, every byte visible."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

# Keeps a broken instrument from hanging the tests; nothing is judged by it.
GIVE_UP_S = 60.0


@dataclass(frozen=True)
class Answer:
    """What came back, header names as on the wire."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first value of a header, whatever its letter case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def client_context(ca_file: Path) -> ssl.SSLContext:
    """Return a context that verifies against this authority alone."""
    return ssl.create_default_context(cafile=ca_file)


@contextmanager
def connected(url: str, tls: ssl.SSLContext | None = None) -> Iterator[socket.socket]:
    """Connect, shake hands when `tls` is given, and close at the end."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), GIVE_UP_S) as plain:
        if tls is None:
            yield plain
        else:
            with tls.wrap_socket(plain, server_hostname=parts.hostname) as secured:
                yield secured


class KeptConnection:
    """Requests over one connection; a closed one stays closed."""

    def __init__(self, connection: socket.socket) -> None:
        self._http = HTTPConnection("127.0.0.1")
        self._http.sock = connection
        self._http.auto_open = 0

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request and read its whole reply; raises OSError or HTTPException."""
        self._http.request(method, target, body, headers or {})
        with self._http.getresponse() as reply:
            return Answer(reply.status, tuple(reply.getheaders()), reply.read())


def ask(
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """Send one request over a connection of its own."""
    target = url.removeprefix(f"{urlsplit(url).scheme}://{urlsplit(url).netloc}")
    with connected(url, tls) as connection:
        return KeptConnection(connection).ask(method, target, body, headers)


def send_get(connection: socket.socket, target: str) -> None:
    """Send a request and read nothing."""
    connection.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def read_until_closed(connection: socket.socket) -> tuple[bytes, bool]:
    """Return what came and whether the end was a reset."""
    came = bytearray()
    try:
        while piece := connection.recv(65_536):
            came += piece
    except ConnectionResetError:
        return bytes(came), True
    return bytes(came), False
