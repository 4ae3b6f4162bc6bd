"""Sessions: opened by a login, kept alive by refreshing, ended by logging out.

A refresh token is good for one use (RFC 9700, section 4.14.2). One that comes a second time has
been in two hands, so its session ends.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lattice.database import now
from lattice.security.caller import Caller
from lattice.security.tables import sessions
from lattice.security.tokens import Claims, Tokens


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose session it is; it never outlives `account_expires_at`."""

    user_id: str
    tenant_id: str
    role: str
    account_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Grant:
    """A session's tokens, and whom they let in; the access token is good for `expires_in_s`."""

    caller: Caller
    access_token: str
    refresh_token: str
    expires_in_s: int


async def open_session(connection: AsyncConnection, tokens: Tokens, bearer: Bearer) -> Grant:
    """Begin a session for this account."""
    claims = Claims(bearer.user_id, bearer.tenant_id, str(uuid4()), str(uuid4()))
    expires_at = _end(tokens, bearer)
    await connection.execute(
        insert(sessions).values(
            id=claims.session_id,
            user_id=bearer.user_id,
            tenant_id=bearer.tenant_id,
            role=bearer.role,
            refresh_jti=claims.token_id,
            created_at=now(),
            expires_at=expires_at,
        )
    )
    return _grant(tokens, claims, bearer.role, expires_at)


async def rotate(
    connection: AsyncConnection, tokens: Tokens, used: Claims, bearer: Bearer
) -> Grant | None:
    """Exchange a refresh token for new ones; None, and the session ends, if it was used before."""
    claims = Claims(used.user_id, used.tenant_id, used.session_id, str(uuid4()))
    expires_at = _end(tokens, bearer)
    exchanged = await connection.execute(
        update(sessions)
        .where(
            sessions.c.id == used.session_id,
            sessions.c.user_id == used.user_id,
            sessions.c.tenant_id == used.tenant_id,
            sessions.c.refresh_jti == used.token_id,
            sessions.c.expires_at > now(),
        )
        .values(refresh_jti=claims.token_id, expires_at=expires_at, role=bearer.role)
    )
    if exchanged.rowcount == 0:
        await end_session(connection, used.tenant_id, used.session_id)
        return None
    return _grant(tokens, claims, bearer.role, expires_at)


async def end_session(connection: AsyncConnection, tenant_id: str, session_id: str) -> None:
    """End a session: its tokens are dead from now on."""
    await connection.execute(
        delete(sessions).where(sessions.c.id == session_id, sessions.c.tenant_id == tenant_id)
    )


async def remove_expired_sessions(connection: AsyncConnection) -> int:
    """Remove the sessions that are over, of all tenants; return how many they were."""
    removed = await connection.execute(delete(sessions).where(sessions.c.expires_at <= now()))
    return removed.rowcount


def _end(tokens: Tokens, bearer: Bearer) -> datetime:
    end = now() + timedelta(seconds=tokens.refresh_ttl_s)
    return min(end, bearer.account_expires_at) if bearer.account_expires_at else end


def _grant(tokens: Tokens, claims: Claims, role: str, expires_at: datetime) -> Grant:
    return Grant(
        caller=Caller(claims.user_id, claims.tenant_id, role, claims.session_id),
        access_token=tokens.access(claims.user_id, claims.tenant_id, claims.session_id),
        refresh_token=tokens.refresh(claims, expires_at),
        expires_in_s=tokens.access_ttl_s,
    )
