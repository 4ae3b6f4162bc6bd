"""Mails, handed to real mail servers, through TLS."""

from __future__ import annotations

import asyncio
import socket

import pytest
from lattice.accounts import post
from lattice.accounts.letters import letter
from lattice.accounts.mailing import Outcome
from lattice.accounts.post import Post
from lattice.settings import Settings
from pydantic import SecretStr
from smokegate.fault_proxy.certificates import Certificates
from structlog.testing import capture_logs

from tests.gate.notify.mail_server import mail_server

LOGIN = "smokegate:Gehe1mnis%2F%40Gehe1mnis"
TO = "ada@example.com"


@pytest.fixture
def trusted(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
    return certificates


def send(url: str, *, demands_tls: bool = True, to: str = TO) -> Outcome:
    settings = Settings(dev=True, smtp_url=SecretStr(url), mail_from="us@example.com")
    message = letter(to, "1" * 32, "t" * 64, settings)
    return asyncio.run(Post(SecretStr(url), demands_tls=demands_tls).send(message, to))


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_login_and_a_mail_go_through_tls(trusted: Certificates, scheme: str) -> None:
    tls = trusted.good().context()
    with mail_server(tls, wants_login=True, begins_with_tls=scheme == "smtps") as server:
        assert send(f"{scheme}://{LOGIN}@127.0.0.1:{server.port}") is Outcome.SENT
        assert send(f"{scheme}://smokegate:wrong@127.0.0.1:{server.port}") is Outcome.LATER
    assert server.receivers == [[TO]]
    assert server.was_encrypted == [True]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("demands_tls", [True, False])
def test_a_certificate_of_somebody_else_gets_nothing(
    certificates: Certificates, scheme: str, demands_tls: bool
) -> None:
    tls = certificates.good().context()
    with mail_server(tls, begins_with_tls=scheme == "smtps") as server:
        url = f"{scheme}://127.0.0.1:{server.port}"
        assert send(url, demands_tls=demands_tls) is Outcome.LATER
    assert server.messages == []


def test_in_the_clear_it_goes_in_development_alone() -> None:
    with mail_server() as plain:
        assert send(f"smtp://127.0.0.1:{plain.port}") is Outcome.LATER
        assert plain.messages == []
        assert send(f"smtp://127.0.0.1:{plain.port}", demands_tls=False) is Outcome.SENT


@pytest.mark.parametrize(
    ("answer", "refused", "outcome"),
    [
        ("451 later", {}, Outcome.LATER),
        ("554 never", {}, Outcome.REFUSED),
        ("250 taken", {TO: "450 <ada@example.com> later"}, Outcome.LATER),
        ("250 taken", {TO: "550 <ada@example.com> never"}, Outcome.REFUSED),
    ],
)
def test_what_a_server_does_not_take(
    answer: str, refused: dict[str, str], outcome: Outcome
) -> None:
    with mail_server() as server, capture_logs() as logs:
        server.answer, server.refused = answer, refused
        assert send(f"smtp://127.0.0.1:{server.port}", demands_tls=False) is outcome
    code = int((refused.get(TO) or answer)[:3])
    assert [(entry["event"], entry["code"]) for entry in logs] == [("a mail was not taken", code)]
    assert TO not in repr(logs)


def test_an_address_that_a_server_cannot_write_is_given_up() -> None:
    with mail_server() as server:
        url = f"smtp://127.0.0.1:{server.port}"
        # It does not speak SMTPUTF8 (RFC 6531).
        assert send(url, demands_tls=False, to="\u00e9@example.com") is Outcome.REFUSED


def test_a_server_that_hangs_or_is_not_there_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "SENT_WITHIN_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        assert send(url) is Outcome.LATER
    assert send(url) is Outcome.LATER


def test_a_mail_leads_to_the_page_that_is_set_and_says_no_more_of_the_token() -> None:
    given = {"smtp_url": "smtp://mail.example.com", "mail_from": "us@example.com"}
    page = "https://app.example.com/confirm"
    settings = Settings.model_validate({"dev": True, "confirm_url": page} | given)
    lines = letter(TO, "1" * 32, "t" * 64, settings).get_content().splitlines()
    assert [line for line in lines if "ttt" in line] == [f"{page}#{'t' * 64}"]
    assert not any("/api/auth" in line for line in lines)
