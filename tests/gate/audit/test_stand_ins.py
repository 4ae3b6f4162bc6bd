"""Stand-ins of the same form."""

from __future__ import annotations

import base64
import json

import pytest
from smokegate.audit.stand_ins import StandIns
from smokegate.client.redaction import Redactor


def with_secrets(*secrets: str) -> StandIns:
    redactor = Redactor()
    for secret in secrets:
        redactor.add(secret)
    return StandIns(redactor)


@pytest.mark.parametrize("secret", ["SmokeTest123!@#", "abcdef0123456789", "ABC-def_123456"])
def test_letters_stand_for_letters_and_digits_for_digits(secret: str) -> None:
    stand_in = with_secrets(secret).of(secret)
    assert stand_in != secret
    assert len(stand_in) == len(secret)
    for one, other in zip(secret, stand_in, strict=True):
        assert (one.islower(), one.isupper(), one.isdigit()) == (
            other.islower(),
            other.isupper(),
            other.isdigit(),
        )
        assert one.isalnum() or one == other


@pytest.mark.parametrize("prefix", ["whsec_", "sk_live_"])
def test_what_says_which_kind_of_secret_it_is_stays(prefix: str) -> None:
    secret = prefix + "abcDEF0123456789"
    stand_in = with_secrets(secret).of(secret)
    assert stand_in.startswith(prefix)
    assert stand_in != secret


def test_the_same_secret_has_the_same_stand_in_in_every_spelling() -> None:
    secret = "Hunter2-Hunter2/Hunter2"
    stand_ins = with_secrets(secret)
    there = stand_ins.of(secret)
    encoded = base64.b64encode(f"x:{secret}".encode()).decode()
    shown = stand_ins.text(f'{{"password": "{secret}"}} {secret} {encoded}')
    assert secret not in shown
    assert shown.count(there) == 2
    assert encoded[4:-4] not in shown


def test_of_a_json_web_token_only_the_signature_is_replaced() -> None:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    token = f"{part({'alg': 'HS256'})}.{part({'sub': 'anna'})}.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
    stand_in = with_secrets(token).of(token)
    assert stand_in.split(".")[:2] == token.split(".")[:2]
    assert stand_in.split(".")[2] != token.split(".")[2]


def test_two_recordings_have_other_stand_ins() -> None:
    assert with_secrets("abcdefgh-1234").of("abcdefgh-1234") != with_secrets("abcdefgh-1234").of(
        "abcdefgh-1234"
    )
