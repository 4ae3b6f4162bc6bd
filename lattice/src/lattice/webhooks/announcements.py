"""Telling receivers what happened: deliveries are written in the transaction that caused them."""

import json
from asyncio import Event as Wakening
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Depends
from sqlalchemy import Select, bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import HTTPConnection

from lattice.database import after_commit, now
from lattice.security.caller import Caller
from lattice.webhooks.schemas import DeliveryStatus, Event
from lattice.webhooks.tables import deliveries, webhooks

RECEIVERS = (
    select(webhooks.c.id, webhooks.c.events)
    .where(webhooks.c.tenant_id == bindparam("tenant_id"), webhooks.c.enabled)
    .order_by(webhooks.c.number)
)
# None is removed before its delivery is written.
RECEIVERS_KEPT = RECEIVERS.with_for_update(read=True, key_share=True)


class Announcements:
    """Writes deliveries and wakes who sends them once they are committed."""

    def __init__(self) -> None:
        self.wakening = Wakening()

    async def announce(
        self,
        connection: AsyncConnection,
        caller: Caller,
        event: Event,
        *happenings: Mapping[str, Any],
    ) -> None:
        """Queue one delivery for each happening and each enabled receiver of the event."""
        receivers = await _select_receivers(connection, caller, event, RECEIVERS_KEPT)
        rows = [
            new_delivery(caller, receiver, event, data)
            for data in happenings
            for receiver in receivers
        ]
        if rows:
            await self.queue(connection, rows)

    async def queue(self, connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write deliveries, to be sent when this transaction has ended."""
        await connection.execute(insert(deliveries), [dict(row) for row in rows])
        self.wake(connection)

    def wake(self, connection: AsyncConnection) -> None:
        """Let what is due be looked for when this transaction has ended."""
        after_commit(connection, self.wakening.set)


async def find_receivers(connection: AsyncConnection, caller: Caller, event: Event) -> list[str]:
    """Return the ids of the caller's enabled webhooks that listen to the event."""
    return await _select_receivers(connection, caller, event, RECEIVERS)


async def _select_receivers(
    connection: AsyncConnection, caller: Caller, event: Event, query: Select[Any]
) -> list[str]:
    rows = (await connection.execute(query, {"tenant_id": caller.tenant_id})).all()
    return [row.id for row in rows if event in row.events.split()]


def new_delivery(
    caller: Caller, webhook_id: str, event: str, data: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the row of a delivery that is due now."""
    at = now()
    message = {"type": event, "timestamp": at.isoformat().replace("+00:00", "Z"), "data": data}
    return {
        "id": str(uuid4()),
        "tenant_id": caller.tenant_id,
        "webhook_id": webhook_id,
        "event": event,
        "body": json.dumps(message, ensure_ascii=False, separators=(",", ":")),
        "status": DeliveryStatus.PENDING,
        "attempts": 0,
        "created_at": at,
        "due_at": at,
    }


async def _announcements(request: HTTPConnection) -> Announcements:
    announcements: Announcements = request.app.state.announcements
    return announcements


Announcing = Annotated[Announcements, Depends(_announcements)]
