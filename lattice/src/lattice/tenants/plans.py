"""The plans that a tenant can be on, and what each allows."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from lattice.errors import ForbiddenError, NotFoundError
from lattice.security.caller import Caller
from lattice.tenants.tables import tenants

# The `type` of a refusal because a plan is used up (RFC 9457, section 3.1.1).
LIMIT_REACHED = "urn:lattice:problem:plan-limit-reached"
PLAN = select(tenants.c.plan).where(tenants.c.id == bindparam("tenant_id"))
PLAN_HELD = PLAN.with_for_update(key_share=True)


class PlanCode(StrEnum):
    """The codes of the plans, from the smallest to the largest."""

    FREE = "free"
    STARTER = "starter"
    PROFESSIONAL = "professional"
    ENTERPRISE = "enterprise"


class Limits(BaseModel):
    """What a plan allows."""

    model_config = ConfigDict(frozen=True)

    lattices: int = Field(description="Lattices that a tenant can keep.", examples=[200])
    dimensions: int = Field(description="Dimensions of one lattice.", examples=[4])
    cells: int = Field(description="Cells of one lattice.", examples=[1_000_000])
    webhooks: int = Field(description="Webhooks that a tenant can keep.", examples=[10])


class Plan(BaseModel):
    """A plan that a tenant can subscribe to."""

    model_config = ConfigDict(frozen=True)

    code: PlanCode
    name: str = Field(examples=["Free"])
    price_cents: int = Field(description="Price a month, in US cents.", examples=[0])
    limits: Limits


PLANS: tuple[Plan, ...] = (
    Plan(
        code=PlanCode.FREE,
        name="Free",
        price_cents=0,
        limits=Limits(lattices=200, dimensions=4, cells=1_000_000, webhooks=10),
    ),
    Plan(
        code=PlanCode.STARTER,
        name="Starter",
        price_cents=1_900,
        limits=Limits(lattices=1_000, dimensions=5, cells=2_000_000, webhooks=20),
    ),
    Plan(
        code=PlanCode.PROFESSIONAL,
        name="Professional",
        price_cents=9_900,
        limits=Limits(lattices=10_000, dimensions=6, cells=5_000_000, webhooks=50),
    ),
    Plan(
        code=PlanCode.ENTERPRISE,
        name="Enterprise",
        price_cents=49_900,
        limits=Limits(lattices=100_000, dimensions=8, cells=10_000_000, webhooks=100),
    ),
)
# What no plan allows is refused before anyone's plan is looked up.
WIDEST = PLANS[-1].limits


def plan_with(code: str) -> Plan:
    """Return the plan with this code; `KeyError` if there is none."""
    return {plan.code.value: plan for plan in PLANS}[code]


async def plan_of(connection: AsyncConnection, caller: Caller) -> Plan:
    """Return the plan that the caller's tenant is on."""
    return await _plan(connection, caller, PLAN)


async def hold_plan(connection: AsyncConnection, caller: Caller) -> Plan:
    """Return the plan, which nobody changes or fills until this transaction has ended.

    For whoever is about to: two at once would both find the last place free.
    """
    return await _plan(connection, caller, PLAN_HELD)


async def _plan(connection: AsyncConnection, caller: Caller, query: Select[Any]) -> Plan:
    code = await connection.scalar(query, {"tenant_id": caller.tenant_id})
    if code is None:
        raise NotFoundError("The tenant has just been removed.")
    return plan_with(code)


def limit_reached(plan: Plan, resource: str, limit: int) -> ForbiddenError:
    """Return the refusal of more `resource` than the plan allows."""
    return ForbiddenError(
        f"The plan {plan.code} allows {limit} {resource}: remove some or change the plan.",
        members={
            "type": LIMIT_REACHED,
            "plan": plan.code.value,
            "resource": resource,
            "limit": limit,
        },
    )
