"""Registering, logging in and out, and leaving."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Header, status
from starlette.requests import Request
from starlette.responses import JSONResponse

from lattice.accounts import registrations, service
from lattice.accounts.schemas import (
    Confirmation,
    Credentials,
    Me,
    Refreshing,
    Registered,
    Registration,
    SignedIn,
    TokenPair,
)
from lattice.database import Transactions
from lattice.errors import ConflictError, UnauthorizedError
from lattice.problems import refusals
from lattice.security.addresses import client_address
from lattice.security.caller import CurrentCaller, Reading, Writing
from lattice.security.passwords import passwords_of
from lattice.settings import settings_of

router = APIRouter(prefix="/api/auth", tags=["accounts"])


async def _door(request: Request, database: Transactions) -> service.Door:
    state = request.app.state
    return service.Door(
        database,
        passwords_of(request),
        state.tokens,
        state.revocations,
        state.throttle,
        client_address(request.scope),
    )


async def _lifetime(
    request: Request,
    x_smoke_test: Annotated[
        str | None,
        Header(description="Sent by deployment checks: the account is removed after a day."),
    ] = None,
) -> timedelta | None:
    if x_smoke_test is None:
        return None
    return timedelta(seconds=settings_of(request).smoke_account_ttl_s)


Door = Annotated[service.Door, Depends(_door)]
Lifetime = Annotated[timedelta | None, Depends(_lifetime)]

MAILED = {
    "model": Registered,
    "description": "A mail says how to go on, whether the address has an account or not.",
}


@router.post(
    "/register",
    summary="Make an account",
    response_model=SignedIn,
    status_code=status.HTTP_201_CREATED,
    responses={status.HTTP_202_ACCEPTED: MAILED, **refusals(ConflictError)},
)
async def register(
    request: Request, registration: Registration, door: Door, lifetime: Lifetime
) -> SignedIn | JSONResponse:
    """Make an account and a tenant of its own, and log it in.

    An address has one account, in whatever letter case it is written. How many taken ones may be
    tried is limited, together with failed logins.

    Where addresses are confirmed, everybody is answered 202, and the account is made by
    `/api/auth/confirm`.
    """
    if settings_of(request).smtp_url is None:
        return await service.register(door, registration, lifetime)
    await registrations.ask(door, registration, lifetime, request.app.state.registered)
    return JSONResponse(Registered().model_dump(), status.HTTP_202_ACCEPTED)


@router.post(
    "/confirm",
    summary="Confirm an address",
    status_code=status.HTTP_201_CREATED,
    responses=refusals(UnauthorizedError),
)
async def confirm(confirmation: Confirmation, door: Door) -> SignedIn:
    """Make the account that was registered, and log it in.

    It takes the token of the mail and the password of the registration that has caused it.
    """
    return await registrations.confirm(door, confirmation)


@router.post(
    "/login",
    summary="Log in",
    responses=refusals(UnauthorizedError),
)
async def log_in(credentials: Credentials, door: Door) -> SignedIn:
    """Begin a session.

    The answer to a wrong password and to an address without an account is the same. After too many
    failures it is 429, whoever is right; another place of the network is not held up by them.
    """
    return await service.log_in(door, credentials)


@router.post(
    "/refresh",
    summary="Refresh the tokens",
    responses=refusals(UnauthorizedError),
)
async def refresh(refreshing: Refreshing, door: Door) -> TokenPair:
    """Exchange a refresh token, which is good for one use, for a new pair.

    A refresh token that comes a second time ends its session.
    """
    return await service.refresh(door, refreshing.refresh_token)


@router.post(
    "/logout",
    summary="Log out",
    status_code=status.HTTP_204_NO_CONTENT,
)
async def log_out(caller: CurrentCaller, door: Door) -> None:
    """End this session: its access token and its refresh token are dead at once."""
    await service.log_out(door, caller)


@router.get("/me", summary="See my account")
async def see_me(transaction: Reading) -> Me:
    """Return the account that calls, and its tenant."""
    return await service.see_me(*transaction)


@router.delete(
    "/me",
    summary="Remove my account",
    status_code=status.HTTP_204_NO_CONTENT,
)
async def leave(transaction: Writing) -> None:
    """Remove the account that calls and, with its last one, the tenant and all that it owns."""
    await service.leave(*transaction)
