"""Who calls: the dependency of every route that needs an account, and the caller's transactions.

A transaction ends *before* the reply is sent: `Reading` and `Writing` have function scope, so an
acknowledged write is a committed write, and an error in a route takes its writes back.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request

from lattice.database import Transactions, now
from lattice.errors import UnauthorizedError
from lattice.security.tables import sessions
from lattice.security.tokens import InvalidTokenError, TokenKind, Tokens

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


async def _tokens(request: Request) -> Tokens:
    tokens: Tokens = request.app.state.tokens
    return tokens


TokenIssuer = Annotated[Tokens, Depends(_tokens)]


async def _caller(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    tokens: TokenIssuer,
    database: Transactions,
) -> Caller:
    if credentials is None:
        raise UnauthorizedError("An access token is needed: Authorization: Bearer ...")
    try:
        claims = tokens.read(credentials.credentials, TokenKind.ACCESS)
    except InvalidTokenError as error:
        raise UnauthorizedError("The access token is not valid, or no longer.") from error
    # Asked of the database each time: a token is dead the moment its session ends.
    async with database.reading(claims.tenant_id) as connection:
        role = await connection.scalar(
            LIVE_SESSION,
            {
                "session_id": claims.session_id,
                "user_id": claims.user_id,
                "tenant_id": claims.tenant_id,
                "at": now(),
            },
        )
    if role is None:
        raise UnauthorizedError("The session has ended: log in again.")
    caller = Caller(claims.user_id, claims.tenant_id, role, claims.session_id)
    # For those outside of the route who must know whose request it was.
    request.state.caller = caller
    return caller


CurrentCaller = Annotated[Caller, Depends(_caller)]


async def _reading(caller: CurrentCaller, database: Transactions) -> AsyncIterator[AsyncConnection]:
    async with database.reading(caller.tenant_id) as connection:
        yield connection


async def _writing(caller: CurrentCaller, database: Transactions) -> AsyncIterator[AsyncConnection]:
    async with database.writing(caller.tenant_id) as connection:
        yield connection


Reading = Annotated[AsyncConnection, Depends(_reading, scope="function")]
Writing = Annotated[AsyncConnection, Depends(_writing, scope="function")]
