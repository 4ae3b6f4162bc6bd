"""Secrets do not get into what is stored, whatever form they come back in."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from smokegate.client.redaction import MARK, Redactor, beginning, ending, is_secret_header
from smokegate.results import Action, Outcome, Verdict
from smokegate.secret_names import is_secret_name
from smokegate.verdict import judge

from tests.gate.samples import exchange, result, run_of

SECRETS = [
    "SmokeTest123!@#",
    "correct horse battery staple",
    'quote"back\\slash/slash',
    "it's & <that> \u00fcber\u20ac\U0001f600",
    "line\nbreak\tand\x07bell",
    "%41%2f+ %",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl-_",
    "plus+slash/equals==",
    ">>>???~~~>>>???",
    "ends with \\",
    "\u00e9clair\u00e9",
]
FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "repr": repr,
    "ascii": ascii,
    "bytes": lambda secret: repr(secret.encode()),
    "json": json.dumps,
    "json, not ascii": lambda secret: json.dumps(secret, ensure_ascii=False),
    "json with slashes escaped": lambda secret: json.dumps(secret).replace("/", "\\/"),
    "json in json": lambda secret: json.dumps(json.dumps({"password": secret})),
    "url": lambda secret: quote(secret, safe=""),
    "url, path": quote,
    "url, lower case": lambda secret: _lower_escapes(secret),  # noqa: PLW0108 - it comes below
    "url, twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "form": quote_plus,
    "browser": lambda secret: quote(secret, safe="!'()*~"),
    "html": html.escape,
    "html, numbers": lambda secret: "".join(
        each if re.match(r"[\w.-]", each, re.ASCII) else f"&#{ord(each)};" for each in secret
    ),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64, url": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "base64 of user and password": lambda secret: base64.b64encode(
        f"user:{secret}".encode()
    ).decode(),
    "base64 of json": lambda secret: (
        base64.b64encode(
            json.dumps({"user": "anna", "x": secret}, ensure_ascii=False).encode()
        ).decode()
        if json.dumps(secret, ensure_ascii=False) == f'"{secret}"'
        else secret
    ),
    "base64 in a url": lambda secret: quote(base64.b64encode(secret.encode()).decode(), safe=""),
}


def _lower_escapes(secret: str) -> str:
    return "".join(
        each if each.isalnum() and each.isascii() else quote(each, safe="").lower()
        for each in secret
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))
@pytest.mark.parametrize(("before", "after"), [("", ""), ("x", "y"), ("a long ", " tail")])
def test_a_secret_is_taken_out_in_every_form(
    secret: str, form: str, before: str, after: str
) -> None:
    redactor = Redactor()
    redactor.add(secret)
    written = FORMS[form](secret)
    shown = redactor.text(f"{before}{written}{after}")
    assert MARK in shown
    assert secret not in shown
    # Nothing that could be read back is left of it: at most what a neighbour blurs in base64.
    rest = shown.replace(MARK, "").removeprefix(before).removesuffix(after)
    assert len(rest) <= max(30, len(written) - len(secret)), rest


@given(
    st.text(st.characters(codec="utf-8"), min_size=8, max_size=40),
    st.text(max_size=5),
    st.text(max_size=5),
)
def test_any_secret_anywhere(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.add(secret)
    for form in ("raw", "json", "url", "form", "repr", "html"):
        assert secret not in redactor.text(before + FORMS[form](secret) + after)
        assert MARK in redactor.text(f" {FORMS[form](secret)} ")


@pytest.mark.parametrize("offset", range(6))
@pytest.mark.parametrize("secret", ["Gehe1mnis!", "Gehe1mnis", "Gehe1mni"])
def test_base64_at_every_offset(offset: int, secret: str) -> None:
    """Of the characters that depend on the secret alone, none is left."""
    redactor = Redactor()
    redactor.add(secret)
    encoded = base64.b64encode(b"." * offset + secret.encode() + b"tail").decode()
    first, last = -(-8 * offset // 6), 8 * (offset + len(secret)) // 6
    assert redactor.text(encoded) == encoded[:first] + MARK + encoded[last:]


def test_one_secret_may_be_a_part_of_another() -> None:
    redactor = Redactor()
    for secret in ("abcdef", "abcdef-abcdef-abcdef", "abcdef!", "abcdef!abcdef!"):
        redactor.add(secret)
    assert redactor.text("abcdef-abcdef-abcdef abcdef! abcdef!abcdef!") == f"{MARK} {MARK} {MARK}"


def test_innocent_text_stays() -> None:
    redactor = Redactor()
    redactor.add("short")  # too short to be taken out without harm
    redactor.add("")
    text = "a short text, \u00fcber alles \U0001f600"
    assert redactor.text(text) == text


def test_what_utf_8_cannot_carry_is_escaped() -> None:
    assert Redactor().text("a\ud800b") == "a\\ud800b"


@pytest.mark.parametrize(
    "document",
    [
        {"password": "Gehe1mnis!"},
        {"user": {"newPassword": "Gehe1mnis!"}},
        {"items": [{"access_token": "Gehe1mnis!"}]},
        {"tokens": ["other-1234", "Gehe1mnis!"]},
        {"api_key": "Gehe1mnis!", "password": None},
        {"client_secret": "Gehe1mnis!"},
        ["Gehe1mnis?", {"private_key": "Gehe1mnis!"}],
    ],
)
def test_secrets_are_learnt_by_their_names(document: Any) -> None:
    redactor = Redactor()
    redactor.learn(document)
    assert redactor.text("it is Gehe1mnis!") == f"it is {MARK}"


def test_learning_knows_no_depth() -> None:
    document: Any = {"token": "Gehe1mnis!"}
    for _ in range(100_000):
        document = [document]
    redactor = Redactor()
    redactor.learn(document)
    assert redactor.text("Gehe1mnis!") == MARK


@pytest.mark.parametrize(
    "document",
    [
        {"password": "required"},
        {"password": "must have 8 characters"},
        {"token": "Unauthenticated"},
        {"token": "abcdefghijklmnopqrst"},
        {"token_type": "Bearer-Token"},
        {"token_expires_in": "3600 seconds"},
        {"name": "Gehe1mnis!"},
        {"token": 12345678, "secret": True},
    ],
)
def test_what_is_said_about_a_secret_is_none(document: Any) -> None:
    redactor = Redactor()
    redactor.learn(document)
    text = "required: must have 8 characters, Unauthenticated Bearer-Token 3600 seconds"
    text += " abcdefghijklmnopqrst"
    assert redactor.text(f"{text} Gehe1mnis! 12345678 True") == f"{text} Gehe1mnis! 12345678 True"


def test_what_is_sent_as_a_secret_is_one_even_if_it_is_a_word() -> None:
    redactor = Redactor()
    redactor.learn({"password": "geheimnis"}, sent=True)
    assert redactor.text("geheimnis") == MARK


@pytest.mark.parametrize(
    "text",
    [
        '{"access_token": "Gehe1mnis!", "name": "cut off he',
        '{"access_token": "Gehe1mnis!", "access_token": "the last one counts"}',
        '{"body": "{\\"client_secret\\": \\"Gehe1mnis!\\"}"}',
        "error=none&refresh_token=Gehe1mnis!&state=1",
        "the password: Gehe1mnis!",
        "https://api.example.com/next#id_token=Gehe1mnis!",
        "postgresql://anna:Gehe1mnis!@db.internal:5432/lattice",
    ],
)
def test_secrets_are_learnt_by_their_names_in_any_text(text: str) -> None:
    redactor = Redactor()
    redactor.learn_text(text.encode())
    assert redactor.text(text) == text.replace("Gehe1mnis!", MARK)


@pytest.mark.parametrize(
    "text", ["the token: invalid", "token_type=Bearer-Token&a=b", "key: 1234567"]
)
def test_what_a_text_says_about_a_secret_is_none(text: str) -> None:
    redactor = Redactor()
    redactor.learn_text(text.encode())
    assert redactor.text(text) == text


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("\\" * 30 + "!", "\\" * 80_000),
        ("a" + "\\" * 30 + "!", "a" + "\\" * 80_000),
        ('"' * 30 + "!", "\\" * 80_000),
        ("\\\n" * 8 + "!", "\\\\\\n" * 20_000),
        ("%" * 30 + "!", "%25" * 27_000),
    ],
    ids=range(5),
)
def test_looking_for_a_secret_takes_no_more_than_linear_time(secret: str, text: str) -> None:
    """With one that grows faster, this would not end."""
    redactor = Redactor()
    redactor.add(secret)
    assert redactor.text(text) == text


@pytest.mark.parametrize("number", [1_000, 100_000])
def test_a_flood_of_secrets_is_taken_out_whole(number: int) -> None:
    secrets = [f"flood-{place:06}!" for place in range(number)]
    redactor = Redactor()
    redactor.add("sent Gehe1mnis")
    redactor.learn({"tokens": secrets})
    shown = redactor.text(f"expected that status is 200; saw {secrets[0]} {secrets[-1]}.")
    assert shown == f"expected that status is 200; saw {MARK} {MARK}"
    assert redactor.text("(sent Gehe1mnis)") == f"({MARK})"


def test_what_is_sent_on_is_not_forgotten_in_a_flood() -> None:
    redactor = Redactor()
    redactor.add("Gehe im", sent=False)
    redactor.add("Gehe im")
    for place in range(1_000):
        redactor.learn({"token": f"flood-{place:06}!"})
        if place % 10 == 0:
            redactor.add(f"sent {place:06}")
    assert redactor.text("it is Gehe im") == f"it is {MARK}"
    for place in range(0, 1_000, 10):
        assert redactor.text(f"(sent {place:06})") == f"({MARK})"


@pytest.mark.parametrize("long", ["x" * 50_000, "!" * 5_000])
def test_a_secret_too_long_to_look_for_is_taken_out_whole(long: str) -> None:
    redactor = Redactor()
    redactor.add(long, sent=False)
    assert redactor.text(f"it is {long}") == f"it is {MARK}"


def test_no_secret_is_cut_in_two() -> None:
    """However many are taken out before it, and however they are written."""
    redactor = Redactor()
    secret = "abcdefgh-" * 40
    redactor.add(secret)
    for spare in range(0, 10_000, 97):
        text = "." * spare + secret * 100
        assert "abcdefgh" not in beginning(text, 2_000, redactor.text)
        assert "abcdefgh" not in ending(secret * 100 + "." * spare, 2_000, redactor.text)


def test_what_fits_is_kept_whole() -> None:
    assert beginning("a" * 2_000, 2_000, str, " [cut]") == "a" * 2_000
    assert beginning("a" * 2_001, 2_000, str, " [cut]") == "a" * 2_000 + " [cut]"
    assert beginning("a" * 99_000, 2_000, str, " [cut]") == "a" * 2_000 + " [cut]"
    assert ending("a" * 99_000, 2_000, str) == "a" * 2_000
    assert ending("ab", 2_000, str) == "ab"


def test_cookies_are_learnt_from_a_page_that_shows_headers() -> None:
    redactor = Redactor()
    text = "HTTP/1.1 200 OK\r\nSet-Cookie: sid=Gehe1mnis!; Path=/\r\n"
    redactor.learn_text(text.encode())
    assert redactor.text(text) == f"HTTP/1.1 200 OK\r\nSet-Cookie: {MARK}; Path=/\r\n"


def test_a_sent_password_may_have_spaces() -> None:
    redactor = Redactor()
    redactor.learn({"password": "correct horse battery staple"}, sent=True)
    assert redactor.text("correct horse battery staple") == MARK


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("Authorization", True),
        ("proxy-authorization", True),
        ("Cookie", True),
        ("Set-Cookie", True),
        ("X-API-Key", True),
        ("X-Auth-Token", True),
        ("X-CSRF-Token", True),
        ("X-Client-Secret", True),
        ("X-Auth-Session", True),
        ("X-Hub-Signature", True),
        ("Content-Type", False),
        ("RateLimit-Limit", False),
        ("X-Token-Limit", False),
        ("Location", False),
    ],
)
def test_headers_of_authentication(name: str, is_one: bool) -> None:
    assert is_secret_header(name) is is_one
    shown = MARK if is_one else "value"
    assert Redactor().headers([(name, "value")]) == [(name, shown)]


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "PASSWD",
        "apiKey",
        "refresh_token",
        "credentials",
        "client_secret",
        "signature",
        "otp",
        "user_otp",
        "PIN",
        "x_auth_session",
        "stripe_key",
        "session_id",
        "secret_id",
        "x_stripe_key",
        "basic_auth",
        "sentry_dsn",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "shipping",
        "laptop",
        "pinned",
        "ping",
        "author",
        "tokenUrl",
        "token_endpoint_url",
        "signature_algorithm",
        "password_count",
        "csrf_enabled",
        "idempotency_key",
        "partition_key",
        "token_name",
        "access_key_id",
        "monkey",
        "key",
    ],
)
def test_names_that_only_look_like_secrets(name: str) -> None:
    assert not is_secret_name(name)


def test_a_record_is_cleaned_everywhere() -> None:
    redactor = Redactor()
    run = run_of(result("w", Outcome.FAILED, reason="saw 'Gehe1mnis!'"))
    assert redactor.clean(run) == run
    redactor.add("Gehe1mnis!")
    assert redactor.clean(run).checks[0].reason == f"saw '{MARK}'"


def test_keys_of_settings_stay() -> None:
    redactor = Redactor()
    redactor.add("Gehe1mnis!")
    run = msgspec.structs.replace(run_of(), settings={"Gehe1mnis!": ["a", "Gehe1mnis!"]})
    assert redactor.clean(run).settings == {"Gehe1mnis!": ["a", MARK]}


def test_letters_alone_are_a_secret_when_they_are_many() -> None:
    redactor = Redactor()
    redactor.learn({"token": "abcdefghijklmnopqrstu"})
    assert redactor.text("abcdefghijklmnopqrstu") == MARK


def test_a_record_with_lone_surrogates_can_be_written() -> None:
    cleaned = Redactor().clean(exchange(body="\udcff", headers=(("X", "\ud800"),)))
    assert (cleaned.reply_body, cleaned.reply_headers) == ("\\udcff", [("X", "\\ud800")])


@pytest.mark.parametrize("word", ["health", "workflows", "passed", "failed", "rollback", "checks"])
def test_a_secret_that_is_a_word_of_ours_changes_no_verdict(word: str) -> None:
    redactor = Redactor()
    redactor.add(word)
    run = run_of(
        result("passed", suite="health"), result("failed", Outcome.FAILED, reason=f"saw {word}")
    )
    cleaned = redactor.clean(run)
    assert cleaned.checks[1].reason == f"saw {MARK}"
    assert [each.id for each in cleaned.checks] == ["health.passed", "workflows.failed"]
    verdict: Verdict = judge(cleaned)
    assert verdict.action is Action.ROLLBACK
    assert verdict.counts == judge(run).counts
