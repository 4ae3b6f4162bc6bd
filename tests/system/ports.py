"""Ports that answer, refuse, or drop whoever knocks: real sockets, no server of the product."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

OpenPort = Callable[[str], AbstractContextManager[str]]


class Healthy(BaseHTTPRequestHandler):
    """Answers 200 to whatever is asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Nothing: the test says what is wrong."""


def free_port() -> int:
    """A port of loopback at which nothing listens, and which nobody gets who asks for any.

    It stays bound as long as this process lives. Whoever is told to listen at it can: both allow
    that addresses are used again, as servers do.
    """
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", 0))
    port: int = bound.getsockname()[1]
    bound.detach()
    return port


@contextmanager
def answering(address: str, port: int = 0) -> Iterator[str]:
    """A healthy service; gives its "address:port", as the others do."""
    with ThreadingHTTPServer((address, port), Healthy) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"{address}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def refusing(address: str) -> Iterator[str]:
    """A port at which nothing listens, and which nobody else gets meanwhile."""
    with socket.socket() as bound:
        bound.bind((address, 0))
        yield f"{address}:{bound.getsockname()[1]}"


@contextmanager
def dropping(address: str, port: int = 0) -> Iterator[str]:
    """A port whose queue is full: packets that want to connect are dropped."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(0)
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield f"{address}:{listening.getsockname()[1]}"
