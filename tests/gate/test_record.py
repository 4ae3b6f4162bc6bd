"""Exchanges as they are stored: capped, redacted, and with a line that repeats them."""

from __future__ import annotations

import shlex
import subprocess

import msgspec
import pytest
from smokegate.client.record import record, redacted
from smokegate.client.redaction import MARK, Redactor
from smokegate.client.transport import Answer, Headers, Request
from smokegate.results import Exchange, Side, Trouble


def recorded(
    *,
    body: bytes | None = None,
    reply_body: bytes = b"",
    headers: Headers | None = None,
    reply_headers: Headers | None = None,
    url: str = "https://api.example.com/things",
    method: str = "POST",
    secrets: tuple[str, ...] = (),
) -> Exchange:
    redactor = Redactor()
    for secret in secrets:
        redactor.add(secret)
    exchange = record(
        1,
        request=Request(method=method, url=url, headers=headers or [], body=body),
        answer=Answer(status=200, headers=reply_headers or [], body=reply_body, sends=1),
        body=reply_body,
        started_s=0.1234567891,
        trouble=None,
    )
    return redacted(exchange, redactor)


def test_trouble_repeats_no_secret() -> None:
    trouble = Trouble(
        kind="protocol", side=Side.TARGET, summary="not HTTP: Gehe1mnis!", causes=[], next_step=""
    )
    redactor = Redactor()
    redactor.add("Gehe1mnis!")
    exchange = msgspec.structs.replace(recorded(), trouble=trouble)
    shown = redacted(exchange, redactor).trouble
    assert shown is not None
    assert shown.summary == f"not HTTP: {MARK}"


def test_bodies_are_capped() -> None:
    exchange = recorded(body=b"a" * 50_000, reply_body=b"b" * 50_000)
    assert exchange.request_body == "a" * 20_000 + " [cut]"
    assert exchange.reply_body == "b" * 20_000 + " [cut]"
    assert exchange.reply_bytes == 50_000
    assert exchange.started_s == 0.123457


def test_headers_are_capped() -> None:
    many = [(f"X-{number}", "v" * 50_000) for number in range(300)]
    exchange = recorded(reply_headers=many)
    assert len(exchange.reply_headers) == 100
    assert max(len(value) for _, value in exchange.reply_headers) < 10_000


def test_urls_are_capped() -> None:
    exchange = recorded(url="https://api.example.com/" + "a" * 50_000)
    assert len(exchange.url) < 10_000
    assert len(exchange.curl) < 11_000


def test_a_secret_across_the_cut_leaves_no_half() -> None:
    secret = "Gehe1mnis-" * 10
    exchange = recorded(reply_body=b"." * 19_950 + secret.encode(), secrets=(secret,))
    assert "Gehe" not in (exchange.reply_body or "")


@pytest.mark.parametrize(("body", "text"), [(b"a\xff\x00", "a\ufffd\x00"), (b"", ""), (None, None)])
def test_bodies_are_text(body: bytes | None, text: str | None) -> None:
    assert recorded(body=body).request_body == text


def test_secrets_are_out_of_every_part() -> None:
    exchange = recorded(
        url="https://api.example.com/reset?code=Gehe1mnis",
        body=b'{"password": "Gehe1mnis"}',
        headers=[("Authorization", "Bearer x"), ("X-Echo", "Gehe1mnis")],
        reply_headers=[("Set-Cookie", "sid=x"), ("X-Echo", "Gehe1mnis")],
        reply_body=b"you sent Gehe1mnis",
        secrets=("Gehe1mnis",),
    )
    assert "Gehe1mnis" not in repr(exchange)
    assert exchange.request_headers[0] == ("Authorization", MARK)
    assert exchange.reply_headers[0] == ("Set-Cookie", MARK)


def test_the_curl_line_repeats_the_request() -> None:
    exchange = recorded(
        url="https://api.example.com/things?a=1&b='2'",
        body=b'{"name": "it\'s"}',
        headers=[
            ("Content-Type", "application/json"),
            ("Authorization", "Bearer token-of-anna"),
            ("X-Api-Key", "key-of-anna"),
            ("User-Agent", "smokegate/1"),
            ("X-Smoke-Test", "run"),
        ],
    )
    assert exchange.curl == (
        "curl --include --request POST --header 'Content-Type: application/json'"
        ' --header "Authorization: Bearer $TOKEN"'
        ' --data-raw \'{"name": "it\'"\'"\'s"}\''
        " 'https://api.example.com/things?a=1&b='\"'\"'2'\"'\"''"
    )


@pytest.mark.parametrize(
    "text", ["$(touch evil)", "`touch evil`", "'; touch evil; '", '"; touch evil; "', "a\nb", "!x"]
)
def test_a_shell_takes_the_curl_line_for_words_only(text: str) -> None:
    exchange = recorded(body=text.encode(), headers=[("X-A", text)], url=f"https://x/{text}")
    words = shlex.split(exchange.curl)
    assert text in words
    assert f"X-A: {text}" in words
    printed = subprocess.run(
        ["sh", "-c", "printf '%s\\0' " + exchange.curl], capture_output=True, check=True
    )
    assert printed.stdout.decode().split("\0")[:-1] == words
