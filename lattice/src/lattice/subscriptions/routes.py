"""The plans, and the subscription of the caller's tenant."""

from fastapi import APIRouter, Response, status

from lattice.errors import ConflictError, ForbiddenError, NotFoundError
from lattice.idempotency.once import Made, OnlyOnce
from lattice.problems import refusals
from lattice.security.caller import Reading
from lattice.security.roles import OwnerWriting
from lattice.subscriptions import service
from lattice.subscriptions.schemas import PlanChoice, Plans, Subscription
from lattice.tenants.plans import PLANS
from lattice.webhooks.announcements import Announcing

router = APIRouter(prefix="/api", tags=["subscriptions"])
PATH = "/subscriptions"


@router.get("/plans", summary="List the plans")
async def list_plans() -> Plans:
    """List the plans and what each allows; anyone may ask."""
    return Plans(items=list(PLANS))


@router.get(PATH, summary="See my subscription")
async def see_subscription(transaction: Reading) -> Subscription:
    """Return the tenant's subscription; a new tenant has none and is on the free plan."""
    return await service.see_subscription(*transaction)


@router.post(
    PATH,
    summary="Subscribe",
    status_code=status.HTTP_201_CREATED,
    response_model=Subscription,
    responses=refusals(ForbiddenError, ConflictError),
)
async def subscribe(
    choice: PlanChoice,
    transaction: OwnerWriting,
    announcements: Announcing,
    once: OnlyOnce,
) -> Response:
    """Subscribe to a plan; nothing is charged. A conflict if the tenant is on a paid plan."""

    async def make() -> Made:
        subscription = await service.subscribe(*transaction, choice.plan, announcements)
        return Made(subscription, f"{router.prefix}{PATH}")

    return await once.answer(transaction, make, status=status.HTTP_201_CREATED)


@router.patch(PATH, summary="Change the plan", responses=refusals(ForbiddenError))
async def change_plan(
    choice: PlanChoice, transaction: OwnerWriting, announcements: Announcing
) -> Subscription:
    """Change the plan, at once; begins a subscription where none is active.

    What is over the limits of a smaller plan stays, and nothing can be added to it.
    """
    return await service.change_plan(*transaction, choice.plan, announcements)


@router.delete(
    PATH, summary="Cancel my subscription", responses=refusals(ForbiddenError, NotFoundError)
)
async def cancel(transaction: OwnerWriting, announcements: Announcing) -> Subscription:
    """Cancel, at once: the tenant is back on the free plan."""
    return await service.cancel(*transaction, announcements)
