"""Who calls: the dependencies of every route that needs an account.

A transaction of a caller begins by asking whether the session lives: a token is dead the moment its
session ends. It ends *before* the reply is sent: `Reading` and `Writing` have function scope, so an
acknowledged write is a committed write, and an error in a route takes its writes back.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request

from lattice.database import database_of, now
from lattice.errors import UnauthorizedError
from lattice.security.tables import sessions
from lattice.security.tokens import Claims

bearer = HTTPBearer(
    auto_error=False,
    bearerFormat="JWT",
    scheme_name="access_token",
    description="The `access_token` of a registration, login or refresh.",
)


# Made once: every request with a token asks it, and making it takes a third of asking.
LIVE_SESSION = select(sessions.c.role).where(
    sessions.c.id == bindparam("session_id"),
    sessions.c.user_id == bindparam("user_id"),
    sessions.c.tenant_id == bindparam("tenant_id"),
    sessions.c.expires_at > bindparam("at"),
)


@dataclass(frozen=True, slots=True)
class Caller:
    """An account with a live session; every query of a service carries its `tenant_id`."""

    user_id: str
    tenant_id: str
    role: str
    session_id: str


class Transaction(NamedTuple):
    """A transaction of a caller: the first two arguments of what a service does in one."""

    connection: AsyncConnection
    caller: Caller


async def _claims(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Claims:
    if credentials is None:
        raise UnauthorizedError("An access token is needed: Authorization: Bearer ...")
    # Read once, by the rate limits.
    claims: Claims | None = request.state.claims
    if claims is None:
        raise UnauthorizedError("The access token is not valid, or no longer.")
    return claims


Claimed = Annotated[Claims, Depends(_claims)]


async def admit(request: Request, claims: Claims, connection: AsyncConnection) -> Transaction:
    """Return the caller's transaction; `UnauthorizedError` if the session has ended."""
    asked = {
        "session_id": claims.session_id,
        "user_id": claims.user_id,
        "tenant_id": claims.tenant_id,
        "at": now(),
    }
    role = await connection.scalar(LIVE_SESSION, asked)
    if role is None:
        raise UnauthorizedError("The session has ended: log in again.")
    caller = Caller(claims.user_id, claims.tenant_id, role, claims.session_id)
    # For those outside of the route who must know whose request it was.
    request.state.caller = caller
    return Transaction(connection, caller)


async def _reading(request: Request, claims: Claimed) -> AsyncIterator[Transaction]:
    async with database_of(request).reading(claims.tenant_id) as connection:
        yield await admit(request, claims, connection)


async def _writing(request: Request, claims: Claimed) -> AsyncIterator[Transaction]:
    async with database_of(request).writing(claims.tenant_id) as connection:
        transaction = await admit(request, claims, connection)
        yield transaction
        # Last, so that two transactions never wait for each other; what is refused counts later.
        await request.app.state.usage_counter.count_within(*transaction)
    request.state.counts = False


async def _caller(request: Request, claims: Claimed) -> Caller:
    async with database_of(request).reading(claims.tenant_id) as connection:
        return (await admit(request, claims, connection)).caller


Reading = Annotated[Transaction, Depends(_reading, scope="function")]
Writing = Annotated[Transaction, Depends(_writing, scope="function")]
# For routes that compute before, after or between their transactions.
CurrentCaller = Annotated[Caller, Depends(_caller)]
