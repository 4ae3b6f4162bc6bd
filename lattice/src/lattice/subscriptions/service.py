"""Subscribing, changing and cancelling: one tenant, one subscription, one plan in force."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lattice.database import insert_into, now
from lattice.errors import ConflictError, NotFoundError
from lattice.security.caller import Caller
from lattice.subscriptions.schemas import Subscription, SubscriptionStatus
from lattice.subscriptions.tables import subscriptions
from lattice.tenants.plans import PlanCode, hold_plan, plan_of
from lattice.tenants.tables import tenants
from lattice.webhooks.announcements import Announcements
from lattice.webhooks.schemas import Event


async def see_subscription(connection: AsyncConnection, caller: Caller) -> Subscription:
    """Return the subscription of the caller's tenant."""
    plan = await plan_of(connection, caller)
    query = select(subscriptions).where(subscriptions.c.tenant_id == caller.tenant_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        status, started_at, canceled_at = SubscriptionStatus.NONE, None, None
    else:
        started_at, canceled_at = row.started_at, row.canceled_at
        status = SubscriptionStatus.CANCELED if canceled_at else SubscriptionStatus.ACTIVE
    return Subscription(
        plan=plan.code,
        status=status,
        started_at=started_at,
        canceled_at=canceled_at,
        limits=plan.limits,
    )


async def subscribe(
    connection: AsyncConnection, caller: Caller, code: PlanCode, announcements: Announcements
) -> Subscription:
    """Begin a subscription; `ConflictError` if the tenant is on a paid plan already."""
    await hold_plan(connection, caller)
    before = await see_subscription(connection, caller)
    if before.plan is not PlanCode.FREE:
        raise ConflictError(f"Subscribed to {before.plan} already: change or cancel that.")
    await _begin(connection, caller)
    return await _put_on(connection, caller, before, code, announcements)


async def change_plan(
    connection: AsyncConnection, caller: Caller, code: PlanCode, announcements: Announcements
) -> Subscription:
    """Put the tenant on another plan; begins a subscription where none is active."""
    await hold_plan(connection, caller)
    before = await see_subscription(connection, caller)
    if before.status is not SubscriptionStatus.ACTIVE:
        await _begin(connection, caller)
    return await _put_on(connection, caller, before, code, announcements)


async def cancel(
    connection: AsyncConnection, caller: Caller, announcements: Announcements
) -> Subscription:
    """End the subscription: the tenant is on the free plan. `NotFoundError` if none is active."""
    await hold_plan(connection, caller)
    before = await see_subscription(connection, caller)
    if before.status is not SubscriptionStatus.ACTIVE:
        raise NotFoundError("There is no subscription to cancel.")
    await connection.execute(
        update(subscriptions)
        .where(subscriptions.c.tenant_id == caller.tenant_id)
        .values(canceled_at=now())
    )
    return await _put_on(connection, caller, before, PlanCode.FREE, announcements)


async def _begin(connection: AsyncConnection, caller: Caller) -> None:
    dates: dict[str, datetime | None] = {"started_at": now(), "canceled_at": None}
    new = insert_into(connection.dialect, subscriptions).values(tenant_id=caller.tenant_id, **dates)
    await connection.execute(new.on_conflict_do_update(index_elements=["tenant_id"], set_=dates))


async def _put_on(
    connection: AsyncConnection,
    caller: Caller,
    before: Subscription,
    code: PlanCode,
    announcements: Announcements,
) -> Subscription:
    await connection.execute(
        update(tenants).where(tenants.c.id == caller.tenant_id).values(plan=code.value)
    )
    after = await see_subscription(connection, caller)
    if (after.plan, after.status) != (before.plan, before.status):
        data = {
            "tenant_id": caller.tenant_id,
            "plan": after.plan.value,
            "status": after.status.value,
            "previous_plan": before.plan.value,
        }
        await announcements.announce(connection, caller, Event.SUBSCRIPTION_CHANGED, data)
    return after
