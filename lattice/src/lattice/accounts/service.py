"""What can be done with accounts.

Passwords are hashed between transactions, never inside one: nobody's write waits for a hash.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, bindparam, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from lattice.accounts.schemas import (
    Credentials,
    Me,
    Registration,
    SignedIn,
    TokenPair,
    User,
    account_key,
    email_key,
)
from lattice.accounts.tables import users
from lattice.accounts.throttle import Throttle
from lattice.database import EVERY_TENANT, Database, now
from lattice.errors import ConflictError, UnauthorizedError
from lattice.security.caller import Caller
from lattice.security.passwords import Passwords
from lattice.security.revocations import Revocations
from lattice.security.roles import Role
from lattice.security.sessions import Bearer, Grant, end_session, open_session, rotate
from lattice.security.tokens import InvalidTokenError, TokenKind, Tokens
from lattice.tenants.schemas import Tenant
from lattice.tenants.service import create_tenant, delete_tenant, get_tenant, hold_tenant
from lattice.tenants.tables import tenants

FIRST_ROLE = Role.OWNER
# With the tenant's columns behind the account's.
ME = (
    select(
        users,
        tenants.c.name.label("tenant_name"),
        tenants.c.plan.label("tenant_plan"),
        tenants.c.created_at.label("tenant_created_at"),
    )
    .join(tenants, tenants.c.id == users.c.tenant_id)
    .where(users.c.id == bindparam("user_id"), users.c.tenant_id == bindparam("tenant_id"))
)
_GONE = "The account has just been removed."


@dataclass(frozen=True, slots=True)
class Door:
    """What it takes to let someone in, and the address from which they come."""

    database: Database
    passwords: Passwords
    tokens: Tokens
    revocations: Revocations
    throttle: Throttle
    address: str


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be made, in a new tenant; one with a `lifetime` expires."""

    tenant_id: str
    email: str
    password_hash: str
    tenant_name: str
    lifetime: timedelta | None


async def register(door: Door, registration: Registration, lifetime: timedelta | None) -> SignedIn:
    """Make an account and its tenant, and log it in; an account with a `lifetime` expires.

    Raises `ConflictError`, after as much work, if the address has an account, in whatever letter
    case, and `TooManyRequestsError` to who has found too many.
    """
    attempt = door.throttle.registration(door.address)
    await attempt.check()
    password_hash = await door.passwords.hash(registration.password)
    new = NewAccount(
        str(uuid4()), registration.email, password_hash, registration.tenant_name, lifetime
    )
    try:
        async with door.database.writing(new.tenant_id) as connection:
            return await make_account(connection, door.tokens, new)
    except IntegrityError as error:
        await attempt.fail()
        words = "There is an account for this address already: log in."
        raise ConflictError(words) from error


async def make_account(connection: AsyncConnection, tokens: Tokens, new: NewAccount) -> SignedIn:
    """Make an account and its tenant, and log it in; `IntegrityError` if its address is taken."""
    tenant = await create_tenant(connection, new.tenant_id, new.tenant_name)
    created_at = now()
    values = {
        "id": str(uuid4()),
        "tenant_id": new.tenant_id,
        "email": new.email,
        "email_key": email_key(new.email),
        "password_hash": new.password_hash,
        "role": FIRST_ROLE,
        "created_at": created_at,
        "expires_at": created_at + new.lifetime if new.lifetime else None,
    }
    row = (await connection.execute(insert(users).values(values).returning(users))).one()
    grant = await open_session(connection, tokens, _bearer(row))
    return _signed_in(grant, row, tenant)


async def log_in(door: Door, credentials: Credentials) -> SignedIn:
    """Begin a session.

    Raises one and the same `UnauthorizedError`, after the same work, for a wrong password, an
    address without an account and an account that has expired, and `TooManyRequestsError` after
    too many of them.
    """
    row = await _verified(door, credentials)
    newer_hash = await door.passwords.renewed(credentials.password, row.password_hash)
    try:
        async with door.database.writing(row.tenant_id) as connection:
            if newer_hash:
                await _replace_hash(connection, row, newer_hash)
            grant = await open_session(connection, door.tokens, _bearer(row))
            tenant = await get_tenant(connection, grant.caller, row.tenant_id)
    except IntegrityError as error:
        raise UnauthorizedError(_GONE) from error
    return _signed_in(grant, row, tenant)


async def _verified(door: Door, credentials: Credentials) -> Row[Any]:
    key = account_key(credentials.email)
    attempt = door.throttle.login(key, door.address)
    await attempt.check()
    async with door.database.reading(EVERY_TENANT) as connection:
        query = select(users).where(users.c.email_key == key)
        row = (await connection.execute(query)).one_or_none()
    password_hash = row.password_hash if row else None
    right = await door.passwords.verify(credentials.password, password_hash)
    if row is None or not right or _has_expired(row):
        await attempt.fail()
        raise UnauthorizedError("The address or the password is wrong.")
    # Again: of many guesses at once none may be answered after the last that is allowed.
    await attempt.check()
    return row


async def _replace_hash(connection: AsyncConnection, row: Row[Any], newer_hash: str) -> None:
    await connection.execute(
        update(users)
        .where(
            users.c.id == row.id,
            users.c.tenant_id == row.tenant_id,
            users.c.password_hash == row.password_hash,
        )
        .values(password_hash=newer_hash)
    )


async def refresh(door: Door, refresh_token: str) -> TokenPair:
    """Exchange a refresh token for new tokens; the old one is dead.

    Raises `UnauthorizedError` for any other text, and ends the session of a token used before.
    """
    refused = UnauthorizedError("The refresh token is not valid, or no longer.")
    try:
        claims = door.tokens.read(refresh_token, TokenKind.REFRESH)
    except InvalidTokenError as error:
        raise refused from error
    async with door.database.writing(claims.tenant_id) as connection:
        query = select(users).where(
            users.c.id == claims.user_id, users.c.tenant_id == claims.tenant_id
        )
        row = (await connection.execute(query)).one_or_none()
        grant = await rotate(connection, door.tokens, claims, _bearer(row)) if row else None
    # Raised outside: the end of a session whose token was used twice must be committed.
    if grant is None:
        await door.revocations.add(claims.session_id)
        raise refused
    return TokenPair(
        access_token=grant.access_token,
        refresh_token=grant.refresh_token,
        expires_in=grant.expires_in_s,
    )


async def log_out(door: Door, caller: Caller) -> None:
    """End the session: its access token and its refresh token are dead."""
    async with door.database.writing(caller.tenant_id) as connection:
        await end_session(connection, caller.tenant_id, caller.session_id)
    await door.revocations.add(caller.session_id)


async def see_me(connection: AsyncConnection, caller: Caller) -> Me:
    """Return the caller's account and tenant."""
    asked = {"user_id": caller.user_id, "tenant_id": caller.tenant_id}
    row = (await connection.execute(ME, asked)).one_or_none()
    if row is None:
        raise UnauthorizedError(_GONE)
    tenant = Tenant(
        id=row.tenant_id,
        name=row.tenant_name,
        plan=row.tenant_plan,
        created_at=row.tenant_created_at,
    )
    return Me(id=row.id, email=row.email, role=row.role, created_at=row.created_at, tenant=tenant)


async def leave(connection: AsyncConnection, caller: Caller) -> None:
    """Remove the caller's account and, with its last one, the tenant and all that it owns."""
    # Of two who leave at once, one is the last.
    await hold_tenant(connection, caller)
    others = exists().where(users.c.tenant_id == caller.tenant_id, users.c.id != caller.user_id)
    if await connection.scalar(select(others)):
        await connection.execute(
            delete(users).where(users.c.id == caller.user_id, users.c.tenant_id == caller.tenant_id)
        )
    else:
        await delete_tenant(connection, caller)


def _has_expired(row: Row[Any]) -> bool:
    expires_at: datetime | None = row.expires_at
    return expires_at is not None and expires_at <= now()


def _bearer(row: Row[Any]) -> Bearer:
    return Bearer(row.id, row.tenant_id, row.role, row.expires_at)


def _user(row: Row[Any]) -> User:
    return User(id=row.id, email=row.email, role=row.role, created_at=row.created_at)


def _signed_in(grant: Grant, row: Row[Any], tenant: Tenant) -> SignedIn:
    return SignedIn(
        access_token=grant.access_token,
        refresh_token=grant.refresh_token,
        expires_in=grant.expires_in_s,
        user=_user(row),
        tenant=tenant,
    )
