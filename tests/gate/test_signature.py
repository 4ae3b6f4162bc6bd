"""What is signed is what the published library of Standard Webhooks takes."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from smokegate.signature import key_of, signed
from standardwebhooks import Webhook, WebhookVerificationError

SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
BODY = '{"name": "mañana"}'.encode()


def now_s() -> int:
    return int(datetime.now(UTC).timestamp())


def test_a_receiver_verifies_it() -> None:
    headers = dict(signed("run-1", now_s(), BODY, key_of(SECRET)))
    assert Webhook(SECRET).verify(BODY, headers) == {"name": "mañana"}


@pytest.mark.parametrize("altered", ["webhook-id", "webhook-timestamp", "body", "secret"])
def test_nothing_of_it_can_be_altered(altered: str) -> None:
    headers = dict(signed("run-1", now_s(), BODY, key_of(SECRET)))
    if altered in headers:
        headers[altered] = "run-2" if altered == "webhook-id" else str(now_s() + 1)
    body = BODY + b" " if altered == "body" else BODY
    secret = "whsec_" + "A" * 32 if altered == "secret" else SECRET
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)


@pytest.mark.parametrize(
    "secret",
    ["whsec_", "whsec_c2hvcnQ=", "whsec_" + "A" * 33, "whsec_" + "!" * 32, "A" * 32, "", "whsec_é"],
)
def test_what_is_no_secret_has_no_key(secret: str) -> None:
    assert key_of(secret) == b""
