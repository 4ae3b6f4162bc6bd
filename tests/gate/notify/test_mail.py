"""E-mail, handed to a real server."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from smokegate.engine import in_loop
from smokegate.fault_proxy.certificates import Certificates
from smokegate.notify.channel import Again, Outcome
from smokegate.notify.mail import Mail
from smokegate.notify.notice import Kind, Notice
from smokegate.settings import Settings

from tests.gate.notify.mail_server import MailServer, mail_server
from tests.gate.notify.samples import hostile, notice

LOGIN = "smokegate:Gehe1mnis%2F%40Gehe1mnis"

OF_IT = "https://api.example.com (production)"


def unfolded(header: str) -> str:
    """What a reader of mail shows: a long value begins on a line of its own (RFC 5322, 2.2.3)."""
    return str(header).strip()


@pytest.fixture
def relay() -> Iterator[MailServer]:
    """One that takes everything from everybody, in the clear."""
    with mail_server() as there:
        yield there


def send(port: int, one: Notice, server: str = "smtp://127.0.0.1", limit_s: float = 5.0) -> Outcome:
    settings = Settings(
        alert_smtp=f"{server}:{port}",
        alert_email=("on-call@example.com", "team@example.com"),
        alert_email_from="gate@example.com",
    )
    return in_loop(lambda: Mail(settings).send(one, limit_s))


def test_a_message_as_people_read_it(relay: MailServer) -> None:
    one = notice(environment="production", bad_runs=3)
    assert send(relay.port, one) == Outcome(arrived=True)
    (message,) = relay.messages
    assert relay.receivers == [["on-call@example.com", "team@example.com"]]
    assert message["From"] == "gate@example.com"
    assert message["To"] == "on-call@example.com, team@example.com"
    assert unfolded(message["Subject"]) == f"[smokegate] {OF_IT}: ROLLBACK: health.up: why up"
    assert message["Message-ID"] == f"<{one.id}@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().splitlines() == [
        f"{OF_IT}: ROLLBACK: health.up: why up",
        "Roll the release back.",
        "",
        "- health.up: why up",
        "",
        "environment  production",
        "target       https://api.example.com",
        "version      1.0.0",
        "run          run-000001",
        "since        2026-01-01 00:00:02 UTC, 3 failing runs",
    ]


def test_those_of_one_incident_are_one_conversation(relay: MailServer) -> None:
    for kind in Kind.OPENED, Kind.RESOLVED:
        send(relay.port, notice(kind))
    first, second = relay.messages
    assert first["References"] == second["References"] == second["In-Reply-To"]
    assert first["Message-ID"] != second["Message-ID"]
    assert unfolded(second["Subject"]).startswith(f"[smokegate] {OF_IT}: Resolved, ROLLBACK: ")


@pytest.mark.parametrize("kind", Kind)
def test_what_means_harm_is_text(relay: MailServer, kind: Kind) -> None:
    assert send(relay.port, hostile(kind)) == Outcome(arrived=True)
    (message,) = relay.messages
    known = {"from", "to", "subject", "date", "message-id", "references", "in-reply-to"}
    known |= {"auto-submitted", "content-type", "content-transfer-encoding", "mime-version"}
    known |= {"x-peer", "x-mailfrom", "x-rcptto"}
    assert {name.lower() for name in message} <= known
    assert len(relay.receivers[0]) == 2
    assert all(line.isprintable() for line in message.get_content().splitlines())


@pytest.fixture
def trusted(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
    return certificates


def test_a_login_goes_through_tls_alone(trusted: Certificates) -> None:
    with mail_server(trusted.good().context(), wants_login=True) as server:
        assert send(server.port, notice(), f"smtp://{LOGIN}@127.0.0.1") == Outcome(arrived=True)
        assert server.was_encrypted == [True]
        wrong = send(server.port, notice(), "smtp://smokegate:hunter22@127.0.0.1")
    assert (wrong.arrived, wrong.again) == (False, Again.LATER)
    assert "alert_smtp" in wrong.next_step
    with mail_server() as plain:
        refused = send(plain.port, notice(), f"smtp://{LOGIN}@127.0.0.1")
    assert refused.why == "STARTTLS extension not supported by server."
    assert plain.messages == []


def test_a_certificate_of_somebody_else_gets_no_login(certificates: Certificates) -> None:
    with mail_server(certificates.good().context(), wants_login=True) as server:
        refused = send(server.port, notice(), f"smtp://{LOGIN}@127.0.0.1")
        assert refused.why == "TLS: CERTIFICATE_VERIFY_FAILED"
        assert "SSL_CERT_FILE" in refused.next_step
        # Without a login there is nothing to lose, and the clear is no better.
    with mail_server(certificates.good().context()) as server:
        assert send(server.port, notice()).arrived
        assert server.was_encrypted == [True]


@pytest.mark.parametrize(
    ("answer", "again"), [("451 later", Again.LATER), ("554 never", Again.NEVER)]
)
def test_what_a_server_does_not_take(relay: MailServer, answer: str, again: Again) -> None:
    relay.answer = answer
    outcome = send(relay.port, notice())
    assert (outcome.arrived, outcome.why, outcome.again) == (False, answer, again)
    assert not outcome.is_uncertain


def test_a_receiver_that_is_refused_is_said(relay: MailServer) -> None:
    relay.refused = {"team@example.com": "550 nobody"}
    assert send(relay.port, notice()) == Outcome(
        arrived=True,
        why="not taken for team@example.com",
        next_step="ask whoever runs the mail server about alert_email_from and alert_email",
    )
    relay.refused["on-call@example.com"] = "550 nobody"
    outcome = send(relay.port, notice())
    assert (outcome.why, outcome.again) == ("550 nobody", Again.NEVER)


def test_one_that_hangs_is_left_and_one_that_is_not_there_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        hung = send(port, notice(), limit_s=0.2)
    assert (hung.arrived, hung.again, hung.is_uncertain) == (False, Again.SOON, False)
    gone = send(port, notice())
    assert (gone.why, gone.again) == ("Connection refused", Again.SOON)
