"""Signatures of what is sent, by the Standard Webhooks rules (specification 1.0), symmetric.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hmac

SECRET_PREFIX = "whsec_"  # noqa: S105 - how a secret begins, not one
_KEY_BYTES = range(24, 65)


def key_of(secret: str) -> bytes:
    """The key in a secret, which is `whsec_` and 24 to 64 bytes in base64; empty for another."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return key if secret.startswith(SECRET_PREFIX) and len(key) in _KEY_BYTES else b""


def signed(message_id: str, at_s: int, body: bytes, key: bytes) -> list[tuple[str, str]]:
    """The headers by which a receiver knows which message it is, when it was sent, and by whom.

    `at_s` is seconds since 1970.
    """
    content = f"{message_id}.{at_s}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    return [
        ("webhook-id", message_id),
        ("webhook-timestamp", str(at_s)),
        ("webhook-signature", f"v1,{signature}"),
    ]
