"""Signatures against the specification's own example, and against the library's verifier."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta, timezone

import pytest
from lattice.webhooks.signing import make_secret, sign
from standardwebhooks import Webhook


def test_a_secret_is_new_each_time_and_long_enough() -> None:
    secrets = {make_secret() for _ in range(20)}
    assert len(secrets) == 20
    for secret in secrets:
        assert secret.startswith("whsec_")
        assert 24 <= len(b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64


def test_the_known_signature() -> None:
    # The vector that the reference libraries test themselves with.
    headers = sign(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1614265330, UTC),
        '{"test": 2432232314}',
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("hours", [-11, 0, 2])
def test_any_zone_gives_the_signature_of_the_moment(hours: int) -> None:
    secret, body = make_secret(), '{"name":"Lager \u2713"}'
    at = datetime.now(timezone(timedelta(hours=hours)))
    headers = sign([secret], "id", at, body)
    Webhook(secret).verify(body, headers)
    signed = f"id.{int(at.timestamp())}.{body}".encode()
    key = b64decode(secret.removeprefix("whsec_"))
    digest = b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="without its zone"):
        sign([make_secret()], "id", datetime(2026, 1, 1), "{}")  # noqa: DTZ001
