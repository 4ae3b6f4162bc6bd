"""A service with a health check and little else, whose version 2 is bad, and a suite for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

from tests.gate.suite_folder import SuiteFolder
from tests.system.command import UNSAMPLED

SUITE = """
    class TestShop(HealthSuite):
        async def test_things(self, client: Client) -> None:
            expect(await client.get("/things")).status(200)
"""
_STILL_OLD = 15  # answers of the bad version after the order: more than one round of settling


class Service(BaseHTTPRequestHandler):
    """What is asked; at /deployer it is told to go back, which takes a while."""

    protocol_version = "HTTP/1.1"
    version = "1"
    still_bad = 0
    orders: ClassVar[list[dict[str, object]]]

    def do_GET(self) -> None:
        kind = type(self)
        if kind.still_bad and self.path == "/health":
            kind.still_bad -= 1
            kind.version = kind.version if kind.still_bad else "1"
        is_bad = kind.version == "2" and self.path == "/things"
        self.reply(500 if is_bad else 200, {"version": kind.version})

    def do_POST(self) -> None:
        kind = type(self)
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        kind.orders.append({**json.loads(sent)["data"], "by": self.headers["Authorization"]})
        kind.still_bad = _STILL_OLD
        self.reply(202, {})

    def reply(self, status: int, document: dict[str, str]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


class Server(ThreadingHTTPServer):
    """Takes the connections of one round at once."""

    request_queue_size = 64
    daemon_threads = True


@contextmanager
def small_service() -> Iterator[tuple[str, type[Service]]]:
    class Fresh(Service):
        orders: ClassVar[list[dict[str, object]]] = []

    with Server(("127.0.0.1", 0), Fresh) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", Fresh
        finally:
            server.shutdown()
            thread.join()


def suite_and_settings(folder: Path) -> tuple[Path, dict[str, str]]:
    """A folder with the suite, and what its runs are to be set to."""
    suites = SuiteFolder(folder / "suites")
    suites.write("test_shop.py", SUITE)
    return suites.path, UNSAMPLED | {"SMOKEGATE_REQUIRE": "health"}
