"""Steps that several tests of webhooks take."""

import asyncio
from typing import Any

from tests.lattice.in_process import Lattice
from tests.lattice.processes import ENDED_WITHIN_S

Members = dict[str, Any]


async def register_webhook(lattice: Lattice, token: str, url: str, *events: str) -> Members:
    """Register a receiver; returns the reply's members and its `path`."""
    asked = {"url": url, "events": list(events) or ["lattice.created"]}
    reply = await lattice.send("POST", "/api/webhooks", token=token, json=asked)
    assert reply.status_code == 201, reply.text
    members: Members = reply.json()
    return members | {"path": reply.headers["Location"]}


async def send_test(lattice: Lattice, token: str, path: str) -> Members:
    """Ask for a test delivery."""
    reply = await lattice.send("POST", f"{path}/test", token=token)
    assert reply.status_code == 202, reply.text
    members: Members = reply.json()
    return members


async def deliveries_when(lattice: Lattice, token: str, path: str, status: str) -> list[Members]:
    """Return the deliveries as soon as all have this status."""
    async with asyncio.timeout(ENDED_WITHIN_S):
        while True:
            reply = await lattice.send("GET", f"{path}/deliveries", token=token)
            items: list[Members] = reply.json()["items"]
            if items and all(item["status"] == status for item in items):
                return items
            await asyncio.sleep(0.02)


async def item_when(lattice: Lattice, token: str, path: str, **members: object) -> Members:
    """Return what is there as soon as it has these members."""
    async with asyncio.timeout(ENDED_WITHIN_S):
        while True:
            item: Members = (await lattice.send("GET", path, token=token)).json()
            if item.items() >= members.items():
                return item
            await asyncio.sleep(0.02)
