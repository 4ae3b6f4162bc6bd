"""What is asked for and said about plans and subscriptions."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from lattice.asked import Asked
from lattice.tenants.plans import Limits, Plan, PlanCode


class Plans(BaseModel):
    """The plans that there are, the smallest first."""

    items: list[Plan]


class PlanChoice(Asked):
    """The plan to be on."""

    plan: PlanCode = Field(examples=["starter"])


class SubscriptionStatus(StrEnum):
    """How a tenant stands to its plan."""

    NONE = "none"
    ACTIVE = "active"
    CANCELED = "canceled"


class Subscription(BaseModel):
    """The tenant's subscription; without an active one it is on the free plan."""

    plan: PlanCode = Field(description="The plan in force, the same as the tenant's `plan`.")
    status: SubscriptionStatus = Field(description="`none` if there never was a subscription.")
    started_at: datetime | None = Field(description="When the last subscription began.")
    canceled_at: datetime | None = Field(description="When it was cancelled.")
    limits: Limits
