"""Checks that put whatever a hostile target says into every corner of a run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from smokegate.checks import Suite
from smokegate.errors import CheckEnded

from smokegate import (
    INVESTIGATE,
    MONITOR,
    WARN,
    Client,
    HealthSuite,
    Reply,
    WorkflowSuite,
    consequence,
    expect,
    owner,
    removes,
    resource,
)
from tests.system.hostile import secrets

OVER_S = "beyond the deadline"
_SCHEDULER = Path("/proc/self/schedstat")
_MOST_CHARS = 1_000_000


class _Asking(Suite):
    """What the suites share: asking for one reply after the other, whatever comes."""

    lot: str = "0"
    replies_each: int = 20

    async def _replies(self, client: Client, name: str) -> AsyncIterator[Reply]:
        signed_in = client.with_token(secrets.TOKEN)
        for number in range(self.replies_each):
            path = f"/{self.lot}/{name}/{number}"
            try:
                yield await _timed(signed_in, path, fresh=number % 5 == 0)
            except CheckEnded:
                continue  # it is on record; the next reply is drawn all the same


async def _timed(client: Client, path: str, *, fresh: bool) -> Reply:
    """Ask, and keep by how much it took longer than the deadlines of its requests together.

    The time in which this process was ready and had no core is not counted.
    """
    evidence, loop = client.evidence, asyncio.get_running_loop()
    before, started = evidence.requests, loop.time() - _without_a_core_s()
    try:
        return await client.get(
            path, fresh=fresh, headers={"X-Api-Key": secrets.API_KEY}, wait_if_throttled=False
        )
    finally:
        allowed_s = (evidence.requests - before) * client.settings.timeout_s
        over_s = loop.time() - _without_a_core_s() - started - allowed_s
        evidence.samples[OVER_S] = [max(over_s, *evidence.samples.get(OVER_S, [over_s]))]


def _without_a_core_s() -> float:
    """How long this process has waited for a core, as Linux tells; 0 where nothing does."""
    if not _SCHEDULER.exists():
        return 0.0
    return int(_SCHEDULER.read_text().split()[1]) / 1e9


@resource
async def thing(client: Client) -> str:
    reply = await client.get("/resources/thing")
    return reply.read(str, "name")


@removes("thing")
async def remove_thing(client: Client, name: str) -> bool:
    reply = await client.delete(f"/things/{name}")
    expect(reply).status(204, 404)
    return reply.status == 204


class HostileHealth(_Asking, HealthSuite):
    admin_token: str = ""

    async def test_demands(self, client: Client) -> None:
        async for reply in self._replies(client, "demands"):
            expect(reply, or_else=WARN).status(200).json("name", equals="cube")
            expect(reply, or_else=MONITOR).header("X-Trace", equals="1")
            expect(reply, or_else=INVESTIGATE).that("all is well", False, seen=reply.text)

    async def test_reading(self, client: Client) -> None:
        async for reply in self._replies(client, "reading"):
            try:
                client.saw_version(reply.read(str, "version")[:100])
                reply.each(str, "items", "id")
            except CheckEnded:
                continue

    async def test_members(self, client: Client) -> None:
        async for reply in self._replies(client, "members"):
            expect(reply, or_else=WARN).json("name", "first", 0)
            expect(reply, or_else=INVESTIGATE).json("items", one_of=[1, 2])

    async def test_exception(self, client: Client) -> None:
        text = ""
        async for reply in self._replies(client, "exception"):
            text = reply.text[:_MOST_CHARS]
        raise RuntimeError(text) from ValueError(text)

    async def test_assertion(self, client: Client) -> None:
        async for reply in self._replies(client, "assertion"):
            assert reply.status < 500, reply.text[:_MOST_CHARS]

    async def test_printing(self, client: Client) -> None:
        async for reply in self._replies(client, "printing"):
            print(reply.text[:2_000], reply.exchange.reply_headers)  # noqa: T201 - it is kept

    async def test_patience(self, client: Client) -> None:
        reply = await client.post(f"/{self.lot}/patience", json={"password": secrets.PASSWORD})
        expect(reply).succeeded()

    @consequence(WARN)
    async def test_skipping(self, client: Client) -> None:
        reply = await client.ask(f"/{self.lot}/skipping", timeout_s=0.2, fresh=True)
        client.skip(reply.text)


class HostileWorkflows(_Asking, WorkflowSuite):
    async def test_resource(self, client: Client, thing: str) -> None:
        client.warn(thing)

    async def test_creating(self, client: Client) -> None:
        for number in range(3):
            path = f"/{self.lot}/creating/{number}"
            try:
                await client.post(path, json={"name": "x"}, creates=("thing", path))
            except CheckEnded:
                continue

    @owner("somebody")
    async def test_warnings(self, client: Client) -> None:
        async for reply in self._replies(client, "warnings"):
            client.warn(reply.header("X-Trace") or reply.text[:500])
            client.evidence.remarks.append(reply.text[:500])

    async def test_many_at_once(self, client: Client) -> None:
        async def ask(part: int) -> None:
            async for reply in self._replies(client, f"at-once-{part}"):
                expect(reply, or_else=WARN).status(201)

        await asyncio.gather(*map(ask, range(24)))
