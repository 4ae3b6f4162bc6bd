"""A small service that keeps things, with the suites that verify it from wherever they run."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.gate.suite_folder import SuiteFolder
from tests.system.tiny_upstream import Handler, TinyUpstream

SUITES = """
    class TestProductionHealth(HealthSuite):
        async def test_up(self, client: Client) -> None:
            \"\"\"It is up.\"\"\"
            expect(await client.get("/health")).status(200)

        async def test_thing(self, client: Client, thing: str) -> None:
            \"\"\"What was made is there.\"\"\"
            expect(await client.get(f"/things/{thing}")).status(200)
"""
RESOURCES = """
    @resource
    async def thing(client: Client) -> str:
        name = client.unique("thing")
        reply = await client.request("PUT", f"/things/{name}", creates=("thing", name))
        expect(reply).status(201)
        return name


    @removes("thing")
    async def remove_thing(client: Client, name: str) -> bool:
        return (await client.delete(f"/things/{name}")).status == 204
"""


def write_suites(folder: Path) -> Path:
    """Write the suites into a folder."""
    suites = SuiteFolder(folder)
    suites.write("test_things.py", SUITES)
    suites.write("resources.py", RESOURCES)
    return folder


class Things(TinyUpstream):
    """Keeps `things`; `made` has whatever was ever made, with the run that made it.

    While it is `broken` nothing can be made. While it is held, whoever asks for a thing waits.
    """

    def __init__(self) -> None:
        self.things: set[str] = set()
        self.made: list[tuple[str, str]] = []
        self.broken = False
        self.free = threading.Event()
        self.free.set()
        self.waiting = threading.Semaphore(0)
        super().__init__(handler=_Handler)


class _Handler(Handler):
    def reply(self) -> None:
        kept = self.server.upstream
        assert isinstance(kept, Things)
        name = self.path.removeprefix("/things/")
        if name == self.path:
            self.send_json(200, {"version": "1.0.0"})
        elif self.command == "PUT":
            self._make(kept, name)
        elif self.command == "DELETE":
            if name in kept.things:
                kept.things.discard(name)
                self.send(204, None)
            else:
                self.send_json(404, {})
        else:
            if not kept.free.is_set():
                kept.waiting.release()
                kept.free.wait()
            self.send_json(200 if name in kept.things else 404, {})

    def _make(self, kept: Things, name: str) -> None:
        if kept.broken:
            self.send_json(500, {})
            return
        kept.things.add(name)
        kept.made.append((self.headers["X-Smoke-Test"], name))
        self.send_json(201, {})

    do_GET = do_PUT = do_DELETE = reply  # noqa: N815
