"""Signatures by the Standard Webhooks rules (specification 1.0), symmetric."""

import secrets
from base64 import b64encode
from datetime import UTC, datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"
# The specification asks for 24 to 64 bytes.
SECRET_BYTES = 32


def make_secret() -> str:
    """Return a new random secret, `whsec_` and base64."""
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(secret: str, delivery_id: str, at: datetime, body: str) -> dict[str, str]:
    """Return the three headers that let the receiver verify `body`.

    Raises `ValueError` for a naive time.
    """
    if at.tzinfo is None:
        raise ValueError("a time without its zone cannot be signed")
    # The library takes any time for UTC and drops its zone: it must be UTC before.
    utc = at.astimezone(UTC)
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(utc.timestamp())),
        "webhook-signature": Webhook(secret).sign(delivery_id, utc, body),
    }
