"""Registering where addresses are confirmed: nobody learns whose address has an account."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from functools import partial
from typing import Any

import httpx2
import pytest
from lattice.accounts.mailing import Outbox, Outcome, Sender
from lattice.accounts.registrations import remove_expired_registrations
from lattice.accounts.tables import registrations, users
from lattice.database import EVERY_TENANT, Database, now
from lattice.security.passwords import Passwords
from lattice.tenants.tables import tenants
from sqlalchemy import event, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from lattice import app
from tests.gate.notify.mail_server import MailServer, mail_server
from tests.lattice.in_process import PASSWORD, Lattice, assert_problem
from tests.system.ports import free_port

REGISTER, CONFIRM = "/api/auth/register", "/api/auth/confirm"
ANOTHER_PASSWORD = "another battery staple"
TOKEN = re.compile(r"\b[0-9a-f]{64}\b")
GONE = timedelta(seconds=-1)
Start = Callable[..., Lattice]


@pytest.fixture
def relay() -> Iterator[MailServer]:
    with mail_server() as there:
        yield there


@pytest.fixture
def start(lattice_with: Start, relay: MailServer) -> Start:
    """Start Lattice with the mail server of this test."""
    with_mail = {"smtp_url": f"smtp://127.0.0.1:{relay.port}", "mail_from": "us@example.com"}
    return lambda **given: lattice_with(**with_mail | given)


@pytest.fixture
def lattice(start: Start) -> Lattice:
    return start()


def registration(email: str = "ada@example.com", password: str = PASSWORD) -> dict[str, str]:
    return {"email": email, "password": password, "tenant_name": "Ada Ltd"}


def register(lattice: Lattice, email: str = "ada@example.com", password: str = PASSWORD) -> None:
    reply = lattice.ask("POST", REGISTER, json=registration(email, password))
    assert reply.status_code == 202, reply.text


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Return as soon as it holds; fails after half a minute."""
    async with asyncio.timeout(30):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.01)


def mails(lattice: Lattice, relay: MailServer, count: int) -> list[EmailMessage]:
    """Return all that has come, as soon as there are so many."""

    async def have_come() -> bool:
        return len(relay.messages) >= count

    lattice.do(until(have_come))
    assert len(relay.messages) == count
    return relay.messages


async def none_is_due(lattice: Lattice) -> bool:
    async with lattice.database.reading(EVERY_TENANT) as connection:
        due = select(registrations.c.id).where(registrations.c.due_at.is_not(None))
        return (await connection.execute(due)).first() is None


def token_of(mail: EmailMessage) -> str:
    (token,) = TOKEN.findall(mail.get_content())
    return str(token)


def confirm(lattice: Lattice, token: str, password: str = PASSWORD) -> httpx2.Response:
    return lattice.ask("POST", CONFIRM, json={"token": token, "password": password})


def settle(lattice: Lattice, relay: MailServer, email: str = "ada@example.com") -> None:
    """Let an address have an account."""
    register(lattice, email)
    reply = confirm(lattice, token_of(mails(lattice, relay, len(relay.messages) + 1)[-1]))
    assert reply.status_code == 201, reply.text


def count(lattice: Lattice, table: Any) -> int:
    return int(lattice.execute(select(func.count()).select_from(table))[0][0])


def test_an_account_is_made_when_its_address_is_confirmed(
    lattice: Lattice, relay: MailServer
) -> None:
    register(lattice)
    (mail,) = mails(lattice, relay, 1)
    assert relay.receivers == [["ada@example.com"]]
    assert (mail["From"], mail["To"]) == ("Lattice <us@example.com>", "ada@example.com")
    assert "Ada Ltd" not in mail.as_string()

    credentials = {"email": "ada@example.com", "password": PASSWORD}
    assert_problem(lattice.ask("POST", "/api/auth/login", json=credentials), 401)
    assert (count(lattice, users), count(lattice, tenants)) == (0, 0)
    # Who reads the database has nothing to confirm it with.
    assert token_of(mail) not in repr(lattice.execute(select(registrations)))

    reply = confirm(lattice, token_of(mail))
    assert reply.status_code == 201
    members = reply.json()
    assert members["user"]["email"] == "ada@example.com"
    assert members["user"]["role"] == "owner"
    assert (members["tenant"]["name"], members["tenant"]["plan"]) == ("Ada Ltd", "free")
    me = lattice.ask("GET", "/api/auth/me", token=members["access_token"])
    assert me.json() == members["user"] | {"tenant": members["tenant"]}
    assert lattice.ask("POST", "/api/auth/login", json=credentials).status_code == 200
    assert count(lattice, registrations) == 0


@contextmanager
def statements(lattice: Lattice) -> Iterator[list[str]]:
    """What the database is asked."""
    asked: list[str] = []
    kind = lattice.database._kind
    engines: set[AsyncEngine] = {kind.readers, kind.writers}

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    for engine in engines:
        event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        for engine in engines:
            event.remove(engine.sync_engine, "before_cursor_execute", note)


async def nothing(*_: object) -> None:
    """Send or remove nothing."""


@pytest.fixture
def unsent(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What is taken is taken by the test."""
    monkeypatch.setattr(Sender, "run", nothing)
    return monkeypatch


def test_taken_and_free_addresses_are_answered_alike_after_the_same_work(
    unsent: pytest.MonkeyPatch, start: Start, hashed: list[str]
) -> None:
    # Every statement counts, whoever makes it.
    unsent.setattr(app, "keep_removing_expired", nothing)
    lattice = start()
    register(lattice, "taken@example.com")
    (found,) = lattice.execute(select(registrations.c.id))
    assert confirm(lattice, lattice.app.state.tokens.confirmation(found.id)).status_code == 201

    def seen(email: str) -> dict[str, object]:
        hashed.clear()
        with statements(lattice) as asked:
            reply = lattice.ask("POST", REGISTER, json=registration(email))
        # They differ from one request to the next, whoever is asked for.
        own = {"x-request-id", "ratelimit"}
        return {
            "status": reply.status_code,
            "body": reply.content,
            "headers": [(name, value) for name, value in reply.headers.items() if name not in own],
            "hashed": list(hashed),
            "asked": "; ".join(asked),
        }

    free = seen("newto@example.com")
    assert (free["status"], free["hashed"]) == (202, ["hash m=8,t=1,p=1"])
    assert "INSERT INTO registrations" in str(free["asked"])
    assert seen("taken@example.com") == free
    assert seen("TAKEN@example.com") == free


def test_who_has_an_account_is_told_so_by_mail_alone(lattice: Lattice, relay: MailServer) -> None:
    settle(lattice, relay)
    register(lattice, "Ada@Example.com", ANOTHER_PASSWORD)
    mail = mails(lattice, relay, 2)[-1]
    assert relay.receivers[-1] == ["Ada@example.com"]
    assert "account already" in mail.get_content()
    assert TOKEN.findall(mail.get_content()) == []
    # Nothing is kept that would never be confirmed.
    lattice.do(until(partial(none_is_due, lattice)))
    assert count(lattice, registrations) == 0
    credentials = {"email": "ada@example.com", "password": PASSWORD}
    assert lattice.ask("POST", "/api/auth/login", json=credentials).status_code == 200
    wrong = credentials | {"password": ANOTHER_PASSWORD}
    assert_problem(lattice.ask("POST", "/api/auth/login", json=wrong), 401)


def test_what_confirms_nothing_is_refused_in_the_same_words_after_the_same_work(
    lattice: Lattice, relay: MailServer, hashed: list[str]
) -> None:
    settle(lattice, relay)
    used = token_of(relay.messages[0])
    register(lattice, "expired@example.com")
    expired = token_of(mails(lattice, relay, 2)[-1])
    lattice.do(until(partial(none_is_due, lattice)))
    (kept,) = lattice.execute(select(registrations.c.expires_at))
    # The day begins when the mail is sent.
    assert timedelta(hours=23) < kept.expires_at - now() < timedelta(hours=24)
    lattice.execute(update(registrations).values(expires_at=now() + GONE))
    register(lattice, "bob@example.com")
    good = token_of(mails(lattice, relay, 3)[-1])
    forged = good[:32] + good[:32]
    answers = set()
    for token, password in (
        (used, PASSWORD),
        (expired, PASSWORD),
        (forged, PASSWORD),
        (good, ANOTHER_PASSWORD),
        (good.upper(), PASSWORD),
        ("", PASSWORD),
        ("\u00e9\x00", ""),
    ):
        hashed.clear()
        reply = confirm(lattice, token, password)
        assert_problem(reply, 401)
        assert hashed == ["verify m=8,t=1,p=1"], token
        answers.add(reply.content)
    assert len(answers) == 1
    # None of it has used it up.
    assert confirm(lattice, good).status_code == 201


def test_who_registers_somebody_else_does_not_get_in(lattice: Lattice, relay: MailServer) -> None:
    """An attacker and the owner of the address register it, and the owner follows either mail."""
    register(lattice, password=ANOTHER_PASSWORD)
    of_attacker = token_of(mails(lattice, relay, 1)[-1])
    # The owner, who has not chosen it, does not know the attacker's password.
    assert_problem(confirm(lattice, of_attacker, PASSWORD), 401)
    register(lattice, password=PASSWORD)
    of_owner = token_of(mails(lattice, relay, 2)[-1])
    assert_problem(confirm(lattice, of_owner, ANOTHER_PASSWORD), 401)
    assert confirm(lattice, of_owner, PASSWORD).status_code == 201

    assert_problem(confirm(lattice, of_attacker, ANOTHER_PASSWORD), 401)
    credentials = {"email": "ada@example.com", "password": ANOTHER_PASSWORD}
    assert_problem(lattice.ask("POST", "/api/auth/login", json=credentials), 401)
    assert count(lattice, users) == 1


@pytest.mark.parametrize("registered", [1, 2], ids=["one token twice", "two tokens"])
def test_of_two_racing_confirmations_one_makes_the_account(
    lattice: Lattice, relay: MailServer, registered: int
) -> None:
    for _ in range(registered):
        register(lattice)
    tokens = [token_of(mail) for mail in mails(lattice, relay, registered)]

    async def race() -> list[int]:
        bodies = [{"token": token, "password": PASSWORD} for token in (tokens * 2)[:2]]
        replies = await asyncio.gather(
            *(lattice.send("POST", CONFIRM, json=body) for body in bodies)
        )
        return sorted(reply.status_code for reply in replies)

    assert lattice.do(race()) == [201, 401]
    assert (count(lattice, users), count(lattice, tenants)) == (1, 1)


def test_a_token_that_is_used_while_its_password_is_verified_is_not_used_again(
    lattice: Lattice, relay: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(lattice)
    body = {"token": token_of(mails(lattice, relay, 1)[0]), "password": PASSWORD}

    async def used_meanwhile(*_: object) -> bool:
        """Confirm it and leave again, so that the address is free."""
        monkeypatch.undo()
        made = (await lattice.send("POST", CONFIRM, json=body)).json()
        left = await lattice.send("DELETE", "/api/auth/me", token=made["access_token"])
        return left.status_code == 204

    monkeypatch.setattr(Passwords, "verify", used_meanwhile)
    assert_problem(lattice.ask("POST", CONFIRM, json=body), 401)
    assert count(lattice, users) == 0


def test_who_confirms_nothing_too_often_waits(start: Start) -> None:
    lattice = start(login_limit_address=2)
    replies = [confirm(lattice, "wrong").status_code for _ in range(3)]
    assert replies == [401, 401, 429]


def test_what_nobody_confirms_is_removed_and_what_is_good_stays(
    unsent: pytest.MonkeyPatch, start: Start
) -> None:
    lattice = start()
    for name in ("gone", "ada"):
        register(lattice, f"{name}@example.com")
    gone = registrations.c.email == "gone@example.com"
    lattice.execute(update(registrations).where(gone).values(expires_at=now() + GONE))

    async def remove() -> int:
        async with lattice.database.writing(EVERY_TENANT) as connection:
            return await remove_expired_registrations(connection)

    assert lattice.do(remove()) == 1
    assert lattice.execute(select(registrations.c.email)) == [("ada@example.com",)]


def test_an_account_of_a_check_expires_too(lattice: Lattice, relay: MailServer) -> None:
    smoke = {"X-Smoke-Test": "1"}
    lattice.ask("POST", REGISTER, json=registration(), headers=smoke)
    assert confirm(lattice, token_of(mails(lattice, relay, 1)[0])).status_code == 201
    (found,) = lattice.execute(select(users.c.created_at, users.c.expires_at))
    assert found.expires_at - found.created_at == timedelta(days=1)


def test_while_the_mail_server_is_away_nothing_is_lost(
    lattice_with: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lattice.accounts.mailing.PAUSES_S", (0.02,))
    port = free_port()
    url = f"smtp://127.0.0.1:{port}"
    lattice = lattice_with(smtp_url=url, mail_from="us@example.com")
    for name in ("ada", "bob"):
        register(lattice, f"{name}@example.com")

    async def all_were_tried_twice() -> bool:
        async with lattice.database.reading(EVERY_TENANT) as connection:
            fewest = await connection.scalar(select(func.min(registrations.c.attempts)))
        return bool(fewest and fewest > 1)

    lattice.do(until(all_were_tried_twice))
    with mail_server(port=port) as relay:
        arrived = mails(lattice, relay, 2)
        assert {mail["To"] for mail in arrived} == {"ada@example.com", "bob@example.com"}
        assert confirm(lattice, token_of(arrived[0])).status_code == 201


def test_an_address_that_the_mail_server_refuses_is_given_up(
    lattice: Lattice, relay: MailServer
) -> None:
    relay.refused = {"ada@example.com": "550 <ada@example.com> is nobody"}
    register(lattice)
    register(lattice, "bob@example.com")
    mails(lattice, relay, 1)

    async def is_given_up() -> bool:
        async with lattice.database.reading(EVERY_TENANT) as connection:
            left = await connection.scalars(select(registrations.c.email))
        return left.all() == ["bob@example.com"]

    lattice.do(until(is_given_up))


def test_what_a_killed_worker_has_sent_is_sent_again_and_confirms_once(
    unsent: pytest.MonkeyPatch, start: Start, relay: MailServer
) -> None:
    lattice = start()
    register(lattice)
    settings = lattice.app.state.settings

    async def send_and_die() -> None:
        database = Database(settings.database_url)
        try:
            sender = Sender(database, asyncio.Event(), lattice.app.state.tokens, settings)
            (due,), _ = await Outbox(database).take(10)
            async with sender._open() as post:
                assert await sender._send(post, due) is Outcome.SENT
            # Another finds nothing while it may still be at it.
            assert (await Outbox(lattice.database).take(10))[0] == []
        finally:
            await database.close()
        async with lattice.database.writing(EVERY_TENANT) as connection:
            await connection.execute(update(registrations).values(leased_until=now() + GONE))

    async def have_come() -> bool:
        return len(relay.messages) >= 2

    async def run_beside() -> None:
        async with lattice.beside():
            await until(have_come)

    lattice.do(send_and_die())
    unsent.undo()
    lattice.do(run_beside())
    first, second = relay.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert first.get_content() == second.get_content()
    assert confirm(lattice, token_of(second)).status_code == 201
    assert_problem(confirm(lattice, token_of(first)), 401)


def test_a_mail_that_cannot_be_written_holds_up_no_other(
    lattice: Lattice, relay: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lattice.accounts import mailing

    def fragile(email: str) -> str:
        if email.startswith("poison"):
            raise ValueError
        return email

    monkeypatch.setattr(mailing, "mailable", fragile)
    register(lattice, "poison@example.com")
    register(lattice, "ada@example.com")
    assert mails(lattice, relay, 1)[0]["To"] == "ada@example.com"


WRITTEN = {
    "o'neil+x=y{z}|`~@example.com": "o'neil+x=y{z}|`~@example.com",
    "ada@b\u00fccher.example": "ada@xn--bcher-kva.example",
    f"{'x' * 64}@{'a' * 60}.example.com": f"{'x' * 64}@{'a' * 60}.example.com",
}


def test_a_mail_goes_to_the_address_that_was_registered_and_nowhere_else(
    lattice: Lattice, relay: MailServer
) -> None:
    for email in WRITTEN:
        register(lattice, email)
    arrived = mails(lattice, relay, len(WRITTEN))
    assert sorted(relay.receivers) == sorted([each] for each in WRITTEN.values())
    known = {"from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version"}
    known |= {"content-type", "content-transfer-encoding", "x-peer", "x-mailfrom", "x-rcptto"}
    for mail in arrived:
        assert {name.lower() for name in mail} <= known
        assert len(TOKEN.findall(mail.get_content())) == 1


NO_ADDRESSES = (
    "ada@example.com\r\nBcc: eve@example.com",
    "ada@example.com\n",
    "ada@example.com, eve@example.com",
    "ada@example.com> SIZE=1",
    "<ada@example.com>",
    '"a\\"b"@example.com',
    "ada\u2028@example.com",
    # Reads as Eve's in a header.
    "=?utf-8?q?eve?=@example.com",
)


def test_what_would_be_more_than_an_address_is_no_address(lattice: Lattice) -> None:
    for email in NO_ADDRESSES:
        reply = lattice.ask("POST", REGISTER, json=registration(email))
        problem = assert_problem(reply, 422)
        assert [error["field"] for error in problem["errors"]] == ["email"]


def test_nobody_is_buried_in_mail(
    unsent: pytest.MonkeyPatch, start: Start, hashed: list[str]
) -> None:
    lattice = start()

    def ask_from(address: str, email: str) -> int:
        async def ask() -> int:
            transport = httpx2.ASGITransport(lattice.app, client=(address, 50_000))
            async with httpx2.AsyncClient(transport=transport, base_url="http://lattice") as client:
                reply = await client.post(REGISTER, json=registration(email))
                return reply.status_code

        return lattice.do(ask())

    here = [ask_from("192.0.2.1", f"ada{tag}@example.com") for tag in ("", "+1", "+2")]
    assert here == [202, 202, 202]
    hashed.clear()
    assert ask_from("192.0.2.1", "Ada+3@example.com") == 429
    assert hashed == []
    assert ask_from("192.0.2.1", "bob@example.com") == 202
    # However many others have tried, the owner's own first attempt is taken.
    many = [ask_from(f"198.51.100.{number}", "ada@example.com") for number in range(12)]
    assert many == [202] * 12
    assert ask_from("198.51.100.1", "ada@example.com") == 429
    assert ask_from("203.0.113.1", "ada@example.com") == 202
