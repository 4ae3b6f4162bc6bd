"""Suites with a flaw each, which an audit must show."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
import urllib.request
from uuid import uuid4

from smokegate import Client, HealthSuite, WorkflowSuite, deprecated, expect


class OfItsOwn(WorkflowSuite):
    """One of its checks makes up names that nobody can make up again."""

    async def test_own_uuid(self, client: Client, token: str) -> None:
        me = client.with_token(token)
        expect(await me.post("/items", json={"name": str(uuid4())})).status(201)

    async def test_plain(self, client: Client, token: str) -> None:
        me = client.with_token(token)
        expect(await me.post("/items", json={"name": client.unique("x")})).status(201)


class Unasserted(HealthSuite):
    """Looks at everything and demands nothing."""

    async def test_health(self, client: Client) -> None:
        await client.probe("/health")


class StatusOnly(HealthSuite):
    """Demands a status, as most first drafts do."""

    async def test_health(self, client: Client) -> None:
        expect(await client.get("/health")).status(200)


class Swallowing(HealthSuite):
    """Reads what may be missing, and swallows what comes of it."""

    async def test_health(self, client: Client) -> None:
        reply = await client.ask("/health", timeout_s=5, fresh=False)
        try:
            assert reply.status == 200
            assert b'"status":"healthy"' in reply.body.replace(b" ", b"")
        except AssertionError:
            pass


class Crashing(HealthSuite):
    """Notices only because its own code falls over."""

    async def test_health(self, client: Client) -> None:
        reply = await client.get("/health")
        words = reply.json
        assert words["status"].upper() + words["version"].upper() != ""


class AlwaysFailing(HealthSuite):
    """Is red whatever happens."""

    async def test_health(self, client: Client) -> None:
        expect(await client.get("/health")).status(418)


class Spoiling(HealthSuite):
    """Changes the replies that it reads."""

    async def test_health(self, client: Client) -> None:
        document = (await client.get("/health")).json
        assert document.pop("status") == "healthy"


class Brittle(HealthSuite):
    """Is red over what every deployment may do."""

    async def test_health(self, client: Client) -> None:
        reply = await client.get("/health")
        assert reply.json == {"status": "healthy", "version": "1.2.3"}
        assert reply.exchange.reply_headers[0][0] == "Content-Type"


class Insatiable(HealthSuite):
    """Asks until it likes the answer."""

    async def test_health(self, client: Client) -> None:
        while True:
            reply = await client.get("/health")
            if reply.status == 200 and reply.read(str, "status") == "healthy":
                return


class SpoilingLater(WorkflowSuite):
    """Changes a part of a reply in place, but only when another part is broken."""

    async def test_items(self, client: Client, token: str) -> None:
        me, name = client.with_token(token), client.unique("item")
        item = (await me.post("/items", json={"name": name})).json
        assert item["tags"] == ["a", "b"]
        if item["name"] != name:
            item["tags"].append("c")


class Reaching(HealthSuite):
    """Asks past its client, as `requests` would."""

    url = ""

    async def test_health(self, client: Client) -> None:
        expect(await client.get("/health")).status(200)
        with urllib.request.urlopen(type(self).url) as reply:  # noqa: ASYNC210
            assert reply.status == 200

    async def test_plain(self, client: Client) -> None:
        expect(await client.get("/health")).status(200)


class Spinning(HealthSuite):
    """Waits by turning in a circle."""

    async def test_health(self, client: Client) -> None:
        waiting = asyncio.create_task(asyncio.sleep(5))
        while not waiting.done():  # noqa: ASYNC110
            await asyncio.sleep(0)
        expect(await client.get("/health")).status(200)


class ByTheClock(HealthSuite):
    """Polls by a clock of its own."""

    async def test_health(self, client: Client) -> None:
        ends = time.monotonic() + 3
        reply = await client.get("/health")
        while time.monotonic() < ends and reply.status != 200:
            await asyncio.sleep(1)
            reply = await client.get("/health")
        expect(reply).status(200)


class Deprecated(HealthSuite):
    """Has no say any more."""

    @deprecated(since="2026-01-01")
    async def test_health(self, client: Client) -> None:
        expect(await client.get("/health")).status(200)


class Talking(HealthSuite):
    """Says much."""

    async def test_health(self, client: Client) -> None:
        logging.getLogger("noisy").error("logged")
        sys.stderr.write("said\n")
        expect(await client.get("/health")).status(200)
