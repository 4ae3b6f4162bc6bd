"""What can be done with webhooks; each function sees only those of its caller."""

from typing import Any
from uuid import uuid4

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lattice.database import now
from lattice.errors import InvalidError, NotFoundError
from lattice.security.caller import Caller
from lattice.tenants.plans import hold_plan, limit_reached
from lattice.webhooks.announcements import Announcements, new_delivery
from lattice.webhooks.receivers import is_private
from lattice.webhooks.schemas import (
    TEST_EVENT,
    Deliveries,
    Delivery,
    DeliveryStatus,
    NewWebhook,
    QueuedDelivery,
    RegisteredWebhook,
    Webhook,
    WebhookChange,
    Webhooks,
)
from lattice.webhooks.signing import make_secret
from lattice.webhooks.tables import deliveries, webhooks


async def register_webhook(
    connection: AsyncConnection, caller: Caller, new: NewWebhook, *, allow_private: bool
) -> RegisteredWebhook:
    """Register a receiver.

    Raises `ForbiddenError` if the plan's number is reached and `InvalidError` for a private
    address, unless `allow_private`.
    """
    _refuse_private(new.url, allow_private=allow_private)
    plan = await hold_plan(connection, caller)
    mine = select(func.count()).where(webhooks.c.tenant_id == caller.tenant_id)
    if (await connection.scalar(mine) or 0) >= plan.limits.webhooks:
        raise limit_reached(plan, "webhooks", plan.limits.webhooks)
    values = {
        "id": str(uuid4()),
        "tenant_id": caller.tenant_id,
        "url": new.url,
        "events": " ".join(new.events),
        "description": new.description,
        "enabled": True,
        "secret": make_secret(),
        "created_at": now(),
    }
    row = (await connection.execute(insert(webhooks).values(values).returning(webhooks))).one()
    return RegisteredWebhook(**_webhook(row).model_dump(), secret=row.secret)


async def list_webhooks(connection: AsyncConnection, caller: Caller) -> Webhooks:
    """List the caller's receivers, the latest first: a plan bounds how many there are."""
    query = select(webhooks).where(webhooks.c.tenant_id == caller.tenant_id)
    rows = (await connection.execute(query.order_by(webhooks.c.number.desc()))).all()
    return Webhooks(items=[_webhook(row) for row in rows], total=len(rows))


async def get_webhook(connection: AsyncConnection, caller: Caller, webhook_id: str) -> Webhook:
    """Return one receiver of the caller; any other raises `NotFoundError`."""
    return _webhook(await _find(connection, caller, webhook_id))


async def change_webhook(
    connection: AsyncConnection,
    caller: Caller,
    webhook_id: str,
    change: WebhookChange,
    *,
    allow_private: bool,
) -> Webhook:
    """Change what `change` names; deliveries already queued go where the address is then."""
    values = change.model_dump(exclude_unset=True)
    if "url" in values:
        _refuse_private(change.url, allow_private=allow_private)
    if "events" in values:
        values["events"] = " ".join(change.events)
    if values:
        await connection.execute(
            update(webhooks)
            .where(webhooks.c.id == webhook_id, webhooks.c.tenant_id == caller.tenant_id)
            .values(values)
        )
    return await get_webhook(connection, caller, webhook_id)


async def remove_webhook(connection: AsyncConnection, caller: Caller, webhook_id: str) -> None:
    """Remove a receiver with its deliveries; any other raises `NotFoundError`."""
    removed = await connection.execute(
        delete(webhooks).where(
            webhooks.c.id == webhook_id, webhooks.c.tenant_id == caller.tenant_id
        )
    )
    if removed.rowcount == 0:
        raise _unknown()


async def queue_test(
    connection: AsyncConnection, caller: Caller, webhook_id: str, announcements: Announcements
) -> QueuedDelivery:
    """Queue a test delivery, to a receiver that is not enabled too."""
    webhook = _webhook(await _find(connection, caller, webhook_id, to_keep=True))
    data = {"webhook_id": webhook.id, "message": "This is a test."}
    row = new_delivery(caller, webhook.id, TEST_EVENT, data)
    await announcements.queue(connection, [row])
    return QueuedDelivery(delivery_id=row["id"], event=TEST_EVENT, status=DeliveryStatus.PENDING)


async def list_deliveries(
    connection: AsyncConnection, caller: Caller, webhook_id: str, *, limit: int, offset: int
) -> Deliveries:
    """List the deliveries to a receiver of the caller, the latest first."""
    await get_webhook(connection, caller, webhook_id)
    mine = (deliveries.c.webhook_id == webhook_id, deliveries.c.tenant_id == caller.tenant_id)
    query = select(deliveries).where(*mine).order_by(deliveries.c.number.desc())
    rows = (await connection.execute(query.limit(limit).offset(offset))).all()
    return Deliveries(
        items=[Delivery.model_validate(row, from_attributes=True) for row in rows],
        total=await connection.scalar(select(func.count()).where(*mine)) or 0,
    )


async def _find(
    connection: AsyncConnection, caller: Caller, webhook_id: str, *, to_keep: bool = False
) -> Row[Any]:
    query = select(webhooks).where(
        webhooks.c.id == webhook_id, webhooks.c.tenant_id == caller.tenant_id
    )
    if to_keep:
        query = query.with_for_update(read=True, key_share=True)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise _unknown()
    return row


def _webhook(row: Row[Any]) -> Webhook:
    return Webhook(
        id=row.id,
        url=row.url,
        events=row.events.split(),
        description=row.description,
        enabled=row.enabled,
        created_at=row.created_at,
    )


def _refuse_private(url: str, *, allow_private: bool) -> None:
    if not allow_private and is_private(url):
        raise InvalidError({"url": "deliveries are not sent to private addresses"})


def _unknown() -> NotFoundError:
    return NotFoundError("There is no such webhook.")
