"""Registering where addresses are confirmed: who registers learns nothing but that a mail goes out.

A registration becomes an account when somebody has both the token of its mail and the password that
was registered with it. So neither gets in who registers somebody else's address, nor can they have
that person confirm a password that they know: each mail belongs to one registration alone.

No registration looks whether its address is taken. Who sends the mail does, later.
"""

from asyncio import Event as Wakening
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from lattice.accounts.schemas import Confirmation, Registration, SignedIn, email_key, mailbox_key
from lattice.accounts.service import Door, NewAccount, make_account
from lattice.accounts.tables import registrations
from lattice.database import EVERY_TENANT, after_commit, now
from lattice.errors import UnauthorizedError
from lattice.security.tokens import InvalidTokenError

# While its mail cannot be sent; as long as mail servers themselves try, or nearly.
UNSENT_FOR = timedelta(days=4)


async def ask(
    door: Door, registration: Registration, lifetime: timedelta | None, wakening: Wakening
) -> None:
    """Keep a registration, to be confirmed, and wake who sends its mail.

    Raises `TooManyRequestsError` to who has caused too many mails.
    """
    await door.throttle.mail(mailbox_key(registration.email), door.address).fail()
    at = now()
    values = {
        "id": uuid4().hex,
        "email": registration.email,
        "email_key": email_key(registration.email),
        "password_hash": await door.passwords.hash(registration.password),
        "tenant_name": registration.tenant_name,
        "lifetime_s": int(lifetime.total_seconds()) if lifetime else None,
        "expires_at": at + UNSENT_FOR,
        "attempts": 0,
        "due_at": at,
    }
    async with door.database.writing(EVERY_TENANT) as connection:
        await connection.execute(insert(registrations).values(values))
        after_commit(connection, wakening.set)


async def confirm(door: Door, confirmation: Confirmation) -> SignedIn:
    """Make the account that was registered, and log it in.

    Raises one and the same `UnauthorizedError`, after the same work, whatever is wrong.
    """
    attempt = door.throttle.registration(door.address)
    await attempt.check()
    row = await _find(door, confirmation.token)
    password_hash = row.password_hash if row else None
    right = await door.passwords.verify(confirmation.password, password_hash)
    signed_in = await _redeem(door, row) if row and right else None
    if signed_in is None:
        await attempt.fail()
        raise UnauthorizedError("The token or the password is wrong, or the token no longer good.")
    return signed_in


async def _find(door: Door, token: str) -> Row[Any] | None:
    try:
        registration_id = door.tokens.read_confirmation(token)
    except InvalidTokenError:
        return None
    async with door.database.reading(EVERY_TENANT) as connection:
        mine = (registrations.c.id == registration_id, registrations.c.expires_at > now())
        return (await connection.execute(select(registrations).where(*mine))).one_or_none()


async def _redeem(door: Door, row: Row[Any]) -> SignedIn | None:
    """Make the account; None if that has been done, or its address was taken meanwhile."""
    lifetime = None if row.lifetime_s is None else timedelta(seconds=row.lifetime_s)
    new = NewAccount(str(uuid4()), row.email, row.password_hash, row.tenant_name, lifetime)
    try:
        async with door.database.writing(EVERY_TENANT) as connection:
            # Of two who confirm it at once, one removes it.
            used = delete(registrations).where(registrations.c.id == row.id)
            if (await connection.execute(used)).rowcount == 0:
                return None
            return await make_account(connection, door.tokens, new)
    except IntegrityError:
        return None


async def remove_expired_registrations(connection: AsyncConnection) -> int:
    """Remove the registrations that nobody has confirmed in time; return how many they were."""
    expired = delete(registrations).where(registrations.c.expires_at <= now())
    return (await connection.execute(expired)).rowcount
