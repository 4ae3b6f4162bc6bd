"""What is somebody's is for nobody else to see or to change."""

from __future__ import annotations

from asyncio import gather

from contract import LATTICES, WEBHOOKS, Page, Webhooks, expect_refused, expect_same

from smokegate import INVESTIGATE, ROLLBACK, Client, Reply, expect


async def see_nothing(stranger: Client, path: str, tenant_id: str) -> None:
    """Try to see and do what only somebody of another tenant may."""
    listed, tenant, _ = await gather(
        stranger.get(f"{LATTICES}?limit=100"),
        stranger.get(f"/api/tenants/{tenant_id}"),
        stay_out(stranger, "a stranger", path, 403, 404),
    )
    expect_kept_out("a stranger", tenant, 403, 404)
    expect(listed).status(200)
    nothing = Page(items=[], total=0, limit=100, offset=0)
    expect_same(listed, "who made nothing is listed nothing", listed.read(Page), nothing)


async def stay_out(client: Client, who: str, path: str, *statuses: int) -> None:
    """Try with a lattice what only its owner may do."""
    intrusions = await gather(
        client.get(path),
        client.patch(path, json={"name": "taken over"}),
        client.delete(path),
    )
    for reply in intrusions:
        expect_kept_out(who, reply, *statuses)


def expect_kept_out(who: str, reply: Reply, *statuses: int) -> None:
    """Demand that the reply refuses, with one of these statuses (by default any 4xx)."""
    let_in = 200 <= reply.status < 300
    expect(reply, or_else=ROLLBACK).that(f"{who} is kept out", not let_in, seen=reply.status)
    expect_refused(reply, *statuses, or_else=INVESTIGATE)


async def see_no_webhook(stranger: Client, path: str) -> None:
    """Try to see a webhook of another tenant."""
    listed, reply = await gather(stranger.get(WEBHOOKS), stranger.get(path))
    expect_kept_out("a stranger", reply, 403, 404)
    expect(listed).status(200)
    nothing = Webhooks(items=[], total=0)
    expect_same(listed, "who made nothing is listed nothing", listed.read(Webhooks), nothing)
