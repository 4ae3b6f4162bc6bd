"""The caller's webhooks."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response, status

from lattice.asked import Id
from lattice.errors import ForbiddenError, NotFoundError
from lattice.idempotency.once import Made, OnlyOnce
from lattice.problems import refusals
from lattice.security.caller import Reading
from lattice.security.roles import MemberWriting
from lattice.settings import settings_of
from lattice.webhooks import service
from lattice.webhooks.announcements import Announcing
from lattice.webhooks.schemas import (
    Deliveries,
    DeliveryContent,
    NewWebhook,
    QueuedDelivery,
    RegisteredWebhook,
    Webhook,
    WebhookChange,
    Webhooks,
)

router = APIRouter(prefix="/api/webhooks", tags=["webhooks"])

WebhookId = Annotated[Id, Path(examples=["9f0f5d9c-2b4e-4f42-9a7e-0c3f6d1c6a57"])]
DeliveryId = Annotated[Id, Path(examples=["5b1f5f0e-8c3d-4b8e-9a44-0d6f0c1a2b3c"])]


async def _allow_private(request: Request) -> bool:
    return settings_of(request).allows_private_receivers


AllowPrivate = Annotated[bool, Depends(_allow_private)]


@router.post(
    "",
    summary="Register a webhook",
    status_code=status.HTTP_201_CREATED,
    response_model=RegisteredWebhook,
    responses=refusals(ForbiddenError),
)
async def register_webhook(
    new: NewWebhook,
    transaction: MemberWriting,
    allow_private: AllowPrivate,
    once: OnlyOnce,
) -> Response:
    """Register a receiver of events; its secret is shown in this reply and never again.

    Each event is posted as JSON, `{type, timestamp, data}`, with the headers of the Standard
    Webhooks rules: `webhook-id`, `webhook-timestamp`, `webhook-signature`. An answer of 2xx
    in time delivers it (5 seconds, unless set otherwise); otherwise it is sent again, after pauses
    that grow, for days, and in the end has failed. An answer of 410 disables the webhook.
    Redirects are not followed. Each event arrives at least once: `webhook-id` tells repeats.
    """

    async def make() -> Made:
        webhook = await service.register_webhook(*transaction, new, allow_private=allow_private)
        return Made(webhook, f"{router.prefix}/{webhook.id}")

    return await once.answer(transaction, make, status=status.HTTP_201_CREATED)


@router.get("", summary="List my webhooks")
async def list_webhooks(transaction: Reading) -> Webhooks:
    """List the tenant's receivers, the latest first."""
    return await service.list_webhooks(*transaction)


@router.get("/{webhook_id}", summary="See a webhook", responses=refusals(NotFoundError))
async def get_webhook(webhook_id: WebhookId, transaction: Reading) -> Webhook:
    """Return one receiver, without its secret."""
    return await service.get_webhook(*transaction, webhook_id)


@router.patch(
    "/{webhook_id}", summary="Change a webhook", responses=refusals(ForbiddenError, NotFoundError)
)
async def change_webhook(
    webhook_id: WebhookId,
    change: WebhookChange,
    transaction: MemberWriting,
    allow_private: AllowPrivate,
) -> Webhook:
    """Change what is named; the secret stays.

    Disabling stops new deliveries; those already queued are still sent.
    """
    return await service.change_webhook(
        *transaction, webhook_id, change, allow_private=allow_private
    )


@router.delete(
    "/{webhook_id}",
    summary="Remove a webhook",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=refusals(ForbiddenError, NotFoundError),
)
async def remove_webhook(webhook_id: WebhookId, transaction: MemberWriting) -> None:
    """Remove a receiver and its deliveries; those not sent yet are not sent."""
    await service.remove_webhook(*transaction, webhook_id)


@router.post(
    "/{webhook_id}/secret/rotate",
    summary="Rotate the secret",
    response_model=RegisteredWebhook,
    responses=refusals(ForbiddenError, NotFoundError),
)
async def rotate_secret(
    webhook_id: WebhookId, transaction: MemberWriting, once: OnlyOnce
) -> Response:
    """Make a new secret, shown in this reply and never again.

    For a day deliveries carry two signatures, of the new secret and of the one before. Whoever
    rotates twice ends that: of a secret that has leaked.
    """

    async def make() -> Made:
        return Made(await service.rotate_secret(*transaction, webhook_id))

    return await once.answer(transaction, make, status=status.HTTP_200_OK)


@router.post(
    "/{webhook_id}/test",
    summary="Send a test delivery",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=QueuedDelivery,
    responses=refusals(ForbiddenError, NotFoundError),
)
async def queue_test(
    webhook_id: WebhookId,
    transaction: MemberWriting,
    announcements: Announcing,
    once: OnlyOnce,
) -> Response:
    """Queue one delivery of the event `webhook.test`; its fate is among the deliveries."""

    async def make() -> Made:
        return Made(await service.queue_test(*transaction, webhook_id, announcements))

    return await once.answer(transaction, make, status=status.HTTP_202_ACCEPTED)


@router.get(
    "/{webhook_id}/deliveries", summary="List deliveries", responses=refusals(NotFoundError)
)
async def list_deliveries(
    webhook_id: WebhookId,
    transaction: Reading,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
) -> Deliveries:
    """List what was and is being delivered to a receiver, the latest first."""
    return await service.list_deliveries(*transaction, webhook_id, limit=limit, offset=offset)


@router.get(
    "/{webhook_id}/deliveries/{delivery_id}",
    summary="See a delivery",
    responses=refusals(NotFoundError),
)
async def get_delivery(
    webhook_id: WebhookId, delivery_id: DeliveryId, transaction: Reading
) -> DeliveryContent:
    """Return one delivery, with the body that is sent."""
    return await service.get_delivery(*transaction, webhook_id, delivery_id)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    summary="Replay a delivery",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=QueuedDelivery,
    responses=refusals(ForbiddenError, NotFoundError),
)
async def replay_delivery(
    webhook_id: WebhookId,
    delivery_id: DeliveryId,
    transaction: MemberWriting,
    *,
    announcements: Announcing,
    once: OnlyOnce,
) -> Response:
    """Send a delivery again at once, whatever came of it, with the same `webhook-id`.

    It goes where the webhook leads now, enabled or not, and is retried like a new one.
    """

    async def make() -> Made:
        replayed = await service.replay_delivery(
            *transaction, webhook_id, delivery_id, announcements
        )
        return Made(replayed)

    return await once.answer(transaction, make, status=status.HTTP_202_ACCEPTED)
