"""What can be done with webhooks; each function sees only those of its caller."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lattice.database import now
from lattice.errors import InvalidError, NotFoundError
from lattice.security.caller import Caller
from lattice.tenants.plans import hold_plan, limit_reached
from lattice.webhooks.announcements import Announcements, new_delivery
from lattice.webhooks.receivers import find_objection
from lattice.webhooks.schemas import (
    TEST_EVENT,
    Deliveries,
    Delivery,
    DeliveryContent,
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

# Long enough to give the new secret to every receiver.
PREVIOUS_SECRET_VALID_FOR = timedelta(days=1)


async def register_webhook(
    connection: AsyncConnection, caller: Caller, new: NewWebhook, *, allow_private: bool
) -> RegisteredWebhook:
    """Register a receiver.

    Raises `ForbiddenError` if the plan's number is reached and `InvalidError` for a private
    address and one without TLS, unless `allow_private`.
    """
    _refuse_objectionable(new.url, allow_private=allow_private)
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
    return _with_secret(row)


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
        _refuse_objectionable(change.url, allow_private=allow_private)
    if "events" in values:
        values["events"] = " ".join(change.events)
    if values:
        await connection.execute(
            update(webhooks)
            .where(webhooks.c.id == webhook_id, webhooks.c.tenant_id == caller.tenant_id)
            .values(values)
        )
    return await get_webhook(connection, caller, webhook_id)


async def rotate_secret(
    connection: AsyncConnection, caller: Caller, webhook_id: str
) -> RegisteredWebhook:
    """Give a receiver a new secret; deliveries are signed with the one before too, for a day."""
    values = {
        "secret": make_secret(),
        # What a column is set from is what it was before this statement.
        "previous_secret": webhooks.c.secret,
        "previous_secret_until": now() + PREVIOUS_SECRET_VALID_FOR,
    }
    rotated = await connection.execute(
        update(webhooks)
        .where(webhooks.c.id == webhook_id, webhooks.c.tenant_id == caller.tenant_id)
        .values(values)
        .returning(webhooks)
    )
    row = rotated.one_or_none()
    if row is None:
        raise _unknown()
    return _with_secret(row)


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


async def get_delivery(
    connection: AsyncConnection, caller: Caller, webhook_id: str, delivery_id: str
) -> DeliveryContent:
    """Return one delivery to a receiver of the caller; any other raises `NotFoundError`."""
    await get_webhook(connection, caller, webhook_id)
    row = (
        await connection.execute(select(deliveries).where(*_is(caller, webhook_id, delivery_id)))
    ).one_or_none()
    if row is None:
        raise _unknown_delivery()
    return DeliveryContent.model_validate(row, from_attributes=True)


async def replay_delivery(
    connection: AsyncConnection,
    caller: Caller,
    webhook_id: str,
    delivery_id: str,
    announcements: Announcements,
) -> QueuedDelivery:
    """Let a delivery be sent again at once, with all its attempts before it.

    One that is under way is not sent beside itself: its attempt counts as this one.
    """
    await get_webhook(connection, caller, webhook_id)
    again = {"status": DeliveryStatus.PENDING, "attempts": 0, "due_at": now()}
    replayed = await connection.execute(
        update(deliveries)
        .where(*_is(caller, webhook_id, delivery_id))
        .values(again | {"delivered_at": None})
        .returning(deliveries.c.event)
    )
    row = replayed.one_or_none()
    if row is None:
        raise _unknown_delivery()
    announcements.wake(connection)
    return QueuedDelivery(delivery_id=delivery_id, event=row.event, status=DeliveryStatus.PENDING)


def _is(caller: Caller, webhook_id: str, delivery_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        deliveries.c.id == delivery_id,
        deliveries.c.webhook_id == webhook_id,
        deliveries.c.tenant_id == caller.tenant_id,
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


def _with_secret(row: Row[Any]) -> RegisteredWebhook:
    return RegisteredWebhook(**_webhook(row).model_dump(), secret=row.secret)


def _refuse_objectionable(url: str, *, allow_private: bool) -> None:
    if not allow_private and (objection := find_objection(url)):
        raise InvalidError({"url": objection})


def _unknown() -> NotFoundError:
    return NotFoundError("There is no such webhook.")


def _unknown_delivery() -> NotFoundError:
    return NotFoundError("There is no such delivery to this webhook.")
