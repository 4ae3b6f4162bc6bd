"""Many small HTTP servers in one process, some of them broken, each in its way.

`python -m tests.system.many_servers N ONE_IN` prints what each is as JSON, and serves until it is
ended; one in ONE_IN is broken.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from subprocess import PIPE, Popen
from typing import NamedTuple

SUITE = """
from smokegate import Client, HealthSuite, expect


class TestProductionHealth(HealthSuite):
    async def test_health(self, client: Client) -> None:
        \"\"\"It is healthy.\"\"\"
        expect(await client.get("/health")).status(200).json("status", equals="ok")

    async def test_items(self, client: Client) -> None:
        \"\"\"There are items.\"\"\"
        expect(await client.get("/items")).status(200).json("items", equals=[1, 2])

    async def test_nothing(self, client: Client) -> None:
        \"\"\"What is not there is not found.\"\"\"
        expect(await client.get("/nothing")).status(404)
"""


class Server(NamedTuple):
    """One of the servers; `broken` says how, and is empty for those that are fine."""

    name: str
    url: str
    broken: str


def _reply(status: str, body: bytes, kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


_FINE = {
    "/health": _reply("200 OK", b'{"status":"ok","version":"1.0.0"}'),
    "/items": _reply("200 OK", b'{"items":[1,2]}'),
    "/nothing": _reply("404 Not Found", b"{}"),
}
_ERROR = _reply("500 Internal Server Error", b"{}")
_PAGE = _reply("200 OK", b"<html>maintenance</html>", "text/html")
# What each path is answered with where something is broken; None: the connection is cut.
_BROKEN: dict[str, dict[str, bytes | None]] = {
    "everything fails": dict.fromkeys(_FINE, _ERROR),
    "one path fails": {"/items": _ERROR},
    "it lost items": {"/items": _reply("200 OK", b'{"items":[1]}')},
    "it is not healthy": {"/health": _reply("200 OK", b'{"status":"down","version":"1.0.0"}')},
    "a page for everything": dict.fromkeys(_FINE, _PAGE),
    "it cuts connections": {"/items": None},
    "half of a reply": {"/items": _FINE["/items"][:-5]},
}
# These do not answer at all.
_ABSENT = ("nothing listens", "it is silent")
KINDS = (*_BROKEN, *_ABSENT)


class _Protocol(asyncio.Protocol):
    def __init__(self, replies: dict[str, bytes | None]) -> None:
        self._replies = replies

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for head in data.split(b"\r\n\r\n")[:-1]:
            reply = self._replies[head.split(b" ", 2)[1].decode()]
            if reply is None:
                self._transport.abort()
                return
            self._transport.write(reply)


async def _serve(number: int, one_in: int) -> None:
    loop = asyncio.get_running_loop()
    servers = []
    kept: list[socket.socket] = []
    for each in range(number):
        # The first of them, so that a few have one that is broken too.
        broken = KINDS[each // one_in % len(KINDS)] if each % one_in == 0 else ""
        make: Callable[[], asyncio.Protocol] = asyncio.Protocol
        if broken != "it is silent":
            make = partial(_Protocol, {**_FINE, **_BROKEN.get(broken, {})})
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))  # held, so that no other gets the port where nothing listens
        if broken != "nothing listens":
            await loop.create_server(make, sock=taken)
        kept.append(taken)
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        servers.append(Server(f"service-{each:04}", url, broken))
    print(json.dumps(servers), flush=True)  # noqa: T201
    await asyncio.Event().wait()


@contextmanager
def many_servers(number: int, one_in: int) -> Iterator[list[Server]]:
    """So many servers in a process of their own, one in so many of them broken."""
    command = [sys.executable, "-m", "tests.system.many_servers", str(number), str(one_in)]
    with Popen(command, stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield [Server(*each) for each in json.loads(process.stdout.readline())]
        finally:
            process.kill()


def fleet_file(folder: Path, servers: list[Server]) -> Path:
    """A fleet of these servers, with their suite beside it."""
    (folder / "suites").mkdir(exist_ok=True)
    (folder / "suites" / "test_production_health.py").write_text(SUITE, encoding="utf-8")
    tables = [f'[targets.{each.name}]\nurl = "{each.url}"\n' for each in servers]
    file = folder / "fleet.toml"
    file.write_text(_DEFAULTS + "".join(tables), encoding="utf-8")
    return file


_DEFAULTS = """\
[defaults]
paths = ["suites"]
require = ["health"]
timeout_s = 2
wait_s = 2
settle_connections = 1
sample_requests = 0
"""

if __name__ == "__main__":
    asyncio.run(_serve(*map(int, sys.argv[1:])))
