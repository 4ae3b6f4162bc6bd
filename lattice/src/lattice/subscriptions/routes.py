"""The plans, and the subscription of the caller's tenant."""

from fastapi import APIRouter, Response, status

from lattice.errors import ConflictError, NotFoundError
from lattice.problems import refusals
from lattice.security.caller import CurrentCaller, Reading, Writing
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
async def see_subscription(caller: CurrentCaller, connection: Reading) -> Subscription:
    """Return the tenant's subscription; a new tenant has none and is on the free plan."""
    return await service.see_subscription(connection, caller)


@router.post(
    PATH,
    summary="Subscribe",
    status_code=status.HTTP_201_CREATED,
    responses=refusals(ConflictError),
)
async def subscribe(
    choice: PlanChoice,
    caller: CurrentCaller,
    connection: Writing,
    announcements: Announcing,
    response: Response,
) -> Subscription:
    """Subscribe to a plan; nothing is charged. A conflict if the tenant is on a paid plan."""
    response.headers["Location"] = f"{router.prefix}{PATH}"
    return await service.subscribe(connection, caller, choice.plan, announcements)


@router.patch(PATH, summary="Change the plan")
async def change_plan(
    choice: PlanChoice, caller: CurrentCaller, connection: Writing, announcements: Announcing
) -> Subscription:
    """Change the plan, at once; begins a subscription where none is active.

    What is over the limits of a smaller plan stays, and nothing can be added to it.
    """
    return await service.change_plan(connection, caller, choice.plan, announcements)


@router.delete(PATH, summary="Cancel my subscription", responses=refusals(NotFoundError))
async def cancel(
    caller: CurrentCaller, connection: Writing, announcements: Announcing
) -> Subscription:
    """Cancel, at once: the tenant is back on the free plan."""
    return await service.cancel(connection, caller, announcements)
