"""A small real HTTP/1.1 server, independent of the proxy's code, that counts what reaches it."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

TEXT = b"".join(b"line %06d\n" % number for number in range(4096))
DOCUMENT = {"version": "2.0.0", "items": [{"id": "a", "cells": 8}, {"id": "b", "cells": 27}]}


class TinyUpstream:
    """Serves `/json`, `/text` (48 KiB), `/chunked`, `/empty` (204), `/echo` (any method).

    Everything else is 404 with a JSON body. `seen` lists method and target of all requests, in
    order; `version` is what `/json` reports. Connections live until the client closes them or
    the server ends.
    """

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        version: str = "2.0.0",
        port: int = 0,
        handler: type[Handler] | None = None,
    ) -> None:
        self.seen: list[tuple[str, str]] = []
        self.version = version
        self._server = _Server(("127.0.0.1", port), self, handler or Handler)
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.end_connections()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    request_queue_size = 64

    def __init__(
        self, address: tuple[str, int], upstream: TinyUpstream, handler: type[Handler]
    ) -> None:
        super().__init__(address, handler)
        self.upstream = upstream
        self.open_connections: set[socket.socket] = set()

    def end_connections(self) -> None:
        """End kept connections, so that joining their threads ends too."""
        for connection in list(self.open_connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that break off are what these tests are about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # With Nagle's algorithm, head and body of a reply would be 40 ms apart.
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.open_connections.add(self.connection)

    def finish(self) -> None:
        self.server.open_connections.discard(self.connection)
        super().finish()

    def reply(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.upstream.seen.append((self.command, self.path))
        path = self.path.partition("?")[0]
        if path == "/empty":
            self.send(204, None)
        elif path == "/echo":
            self.send(200, body, self.headers.get("Content-Type", "application/octet-stream"))
        elif path == "/text":
            self.send(200, TEXT, "text/plain; charset=utf-8")
        elif path == "/chunked":
            self.send_chunks([b"one ", b"two ", b"three"])
        elif path == "/json":
            self.send_json(200, DOCUMENT | {"version": self.server.upstream.version})
        else:
            self.send_json(404, {"detail": f"no {path}"})

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = reply  # noqa: N815

    def send_json(self, status: int, document: Any) -> None:
        self.send(status, json.dumps(document).encode(), "application/json")

    def send(self, status: int, body: bytes | None, content_type: str = "") -> None:
        self.send_response(status)
        self.send_header("X-Mixed-Case", "kept")
        if body is not None:
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body is not None and self.command != "HEAD":
            self.wfile.write(body)

    def send_chunks(self, chunks: list[bytes]) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in [*chunks, b""]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet."""
