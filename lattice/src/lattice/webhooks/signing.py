"""Signatures by the Standard Webhooks rules (specification 1.0), symmetric."""

import secrets as randomness
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"
# The specification asks for 24 to 64 bytes.
SECRET_BYTES = 32


def make_secret() -> str:
    """Return a new random secret, `whsec_` and base64."""
    return PREFIX + b64encode(randomness.token_bytes(SECRET_BYTES)).decode()


def sign(secrets: Sequence[str], delivery_id: str, at: datetime, body: str) -> dict[str, str]:
    """Return the three headers that let the receiver verify `body` by any of the secrets.

    Raises `ValueError` for a naive time.
    """
    if at.tzinfo is None:
        raise ValueError("a time without its zone cannot be signed")
    # The library takes any time for UTC and drops its zone: it must be UTC before.
    utc = at.astimezone(UTC)
    signatures = [Webhook(secret).sign(delivery_id, utc, body) for secret in secrets]
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(utc.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
