"""What is asked for and said about webhooks."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from lattice.asked import Asked
from lattice.webhooks.receivers import URL_CHARACTERS_MAX, check_url


class Event(StrEnum):
    """What a receiver can be told of."""

    LATTICE_CREATED = "lattice.created"
    LATTICE_UPDATED = "lattice.updated"
    LATTICE_DELETED = "lattice.deleted"
    PATH_FOUND = "path.found"
    SUBSCRIPTION_CHANGED = "subscription.changed"


# Sent only when it is asked for, so nobody can subscribe to it.
TEST_EVENT = "webhook.test"


class DeliveryStatus(StrEnum):
    """How far a delivery is."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


def _without_repeats(events: list[Event]) -> list[Event]:
    if len(set(events)) < len(events):
        raise ValueError("an event is named twice")
    return events


Url = Annotated[
    str,
    Field(
        max_length=URL_CHARACTERS_MAX,
        description="Where deliveries are posted to; http is refused unless the service allows it.",
        examples=["https://hooks.example.com/lattice"],
    ),
    AfterValidator(check_url),
]
Events = Annotated[
    list[Event],
    Field(
        min_length=1,
        max_length=len(Event),
        description="Which events are delivered.",
        examples=[["lattice.created", "path.found"]],
        json_schema_extra={"uniqueItems": True},
    ),
    AfterValidator(_without_repeats),
]
Description = Annotated[
    str,
    # PostgreSQL stores no NUL.
    StringConstraints(max_length=2000, pattern=r"^[^\x00]*$"),
    Field(examples=["Keeps our index up to date"]),
]


class NewWebhook(Asked):
    """A receiver to be registered."""

    url: Url
    events: Events
    description: Description | None = None


class WebhookChange(Asked):
    """What is to be changed; what is not named stays."""

    url: Url = Field(default_factory=str)
    events: Events = Field(default_factory=list)
    description: Description | None = None
    enabled: bool = Field(default_factory=bool, description="Whether events are delivered.")


class Webhook(BaseModel):
    """A registered receiver."""

    id: str = Field(examples=["9f0f5d9c-2b4e-4f42-9a7e-0c3f6d1c6a57"])
    url: str = Field(examples=["https://hooks.example.com/lattice"])
    events: list[Event]
    description: str | None
    enabled: bool
    created_at: datetime


class RegisteredWebhook(Webhook):
    """A receiver with its secret, just made."""

    secret: str = Field(
        description="Verifies signatures by the Standard Webhooks rules. Shown this once.",
        examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
    )


class Webhooks(BaseModel):
    """The receivers of a tenant, the latest first."""

    items: list[Webhook]
    total: int


class QueuedDelivery(BaseModel):
    """A delivery that is on its way."""

    delivery_id: str = Field(description="Sent as `webhook-id`.")
    event: str = Field(examples=[TEST_EVENT])
    status: DeliveryStatus


class Delivery(BaseModel):
    """One event on its way to one receiver."""

    id: str = Field(description="Sent as `webhook-id`, the same at every attempt.")
    event: str = Field(examples=["lattice.created"])
    status: DeliveryStatus
    attempts: int = Field(examples=[1])
    response_status: int | None = Field(description="Of the last attempt.", examples=[200])
    error: str | None = Field(description="Why the last attempt did not deliver.")
    created_at: datetime
    delivered_at: datetime | None
    next_attempt_at: datetime | None = Field(
        validation_alias="due_at",
        description="No sooner; none is made when it is delivered or failed.",
    )


class DeliveryContent(Delivery):
    """A delivery with what is sent."""

    body: str = Field(
        description="The very text that is signed and posted.",
        examples=['{"type":"lattice.created","timestamp":"2026-11-22T12:00:00Z","data":{}}'],
    )


class Deliveries(BaseModel):
    """The deliveries to a receiver, the latest first."""

    items: list[Delivery]
    total: int
