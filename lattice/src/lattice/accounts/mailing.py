"""Sending the mails of registrations: an outbox among others, whose rows are the registrations."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

from sqlalchemy import exists, select

from lattice import sender
from lattice.accounts.letters import GOOD_FOR_H, letter, mailable
from lattice.accounts.tables import registrations, users
from lattice.database import EVERY_TENANT, Database, now
from lattice.outbox import Lease, Leases, random_pause
from lattice.security.tokens import Tokens
from lattice.settings import Settings

if TYPE_CHECKING:
    from lattice.accounts.post import Post

AT_ONCE = 4
SENT_WITHIN_S = 30.0
# The longest pause after each attempt; the last one again and again until the registration expires.
PAUSES_S = (5, 60, 300, 1800, 3600)
REGISTRATIONS = select(
    registrations.c.id,
    registrations.c.email,
    registrations.c.attempts,
    exists().where(users.c.email_key == registrations.c.email_key).label("is_taken"),
).order_by(registrations.c.due_at, registrations.c.id)


class Outcome(Enum):
    """What came of handing a mail over."""

    SENT = "sent"
    # What is wrong is the address, not the server or what is set.
    REFUSED = "refused"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Due:
    """A mail to be sent now; `is_taken` says that the address has an account."""

    lease: Lease
    email: str
    attempts: int
    is_taken: bool


class Outbox:
    """The registrations whose mails are due, as workers take them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leases = Leases(database, registrations, SENT_WITHIN_S)

    async def take(self, count: int) -> tuple[list[Due], float]:
        """Take up to so many of what is due; return it and the time until there may be more."""
        taken, pause_s = await self._leases.take(REGISTRATIONS, count)
        due = [Due(lease, row.email, row.attempts, row.is_taken) for row, lease in taken]
        return due, pause_s

    async def record(self, mail: Due, outcome: Outcome) -> None:
        """Write down what came of an attempt, unless the mail is another worker's by now."""
        async with self._database.writing(EVERY_TENANT) as connection:
            if outcome is Outcome.LATER:
                pause = random_pause(PAUSES_S[min(mail.attempts, len(PAUSES_S) - 1)])
                again = {"attempts": mail.attempts + 1, "due_at": now() + pause}
                await self._leases.end(connection, mail.lease, again)
            elif outcome is Outcome.SENT and not mail.is_taken:
                sent = {"due_at": None, "expires_at": now() + timedelta(hours=GOOD_FOR_H)}
                await self._leases.end(connection, mail.lease, sent)
            else:
                await self._leases.remove(connection, mail.lease)

    async def give_back(self, mail: Due) -> None:
        """Let any worker take it at once."""
        await self._leases.give_back(mail.lease)


class Sender(sender.Sender[Due, Outcome, "Post"]):
    """Sends mails, each done when the mail server has taken it."""

    def __init__(
        self, database: Database, wakening: asyncio.Event, tokens: Tokens, settings: Settings
    ) -> None:
        super().__init__(Outbox(database), wakening, AT_ONCE)
        self._tokens = tokens
        self._settings = settings

    @asynccontextmanager
    async def _open(self) -> AsyncIterator["Post"]:
        yield await asyncio.to_thread(_make_post, self._settings)

    async def _send(self, channel: "Post", item: Due) -> Outcome:
        token = None if item.is_taken else self._tokens.confirmation(item.lease.id)
        to = mailable(item.email)
        return await channel.send(letter(to, item.lease.id, token, self._settings), to)


def _make_post(settings: Settings) -> "Post":
    from lattice.accounts.post import Post

    assert settings.smtp_url is not None  # noqa: S101 - who has none sends none
    return Post(settings.smtp_url, demands_tls=not settings.dev)
