import asyncio
from datetime import timedelta

import pytest
from lattice.accounts import service
from lattice.accounts.schemas import Credentials, Registration
from lattice.accounts.tables import users
from lattice.database import EVERY_TENANT, now
from lattice.errors import ConflictError, UnauthorizedError
from lattice.security.passwords import Passwords
from lattice.tenants.tables import tenants
from sqlalchemy import update

from tests.lattice.in_process import PASSWORD, Lattice, assert_problem


def door_of(lattice: Lattice) -> service.Door:
    state = lattice.app.state
    return service.Door(state.database, state.passwords, state.tokens, state.revocations)


def test_an_expired_account_is_refused_like_a_wrong_password(lattice: Lattice) -> None:
    account = lattice.register("ada")
    lattice.execute(update(users).values(expires_at=now() - timedelta(seconds=1)))
    credentials = {"email": "ada@example.com", "password": PASSWORD}
    expired = lattice.ask("POST", "/api/auth/login", json=credentials)
    wrong = lattice.ask("POST", "/api/auth/login", json=credentials | {"password": "wrong"})
    assert_problem(expired, 401)
    assert expired.content == wrong.content
    # Its refresh token, too, gives nothing that outlives it.
    refresh = {"refresh_token": account.refresh_token}
    tokens = lattice.ask("POST", "/api/auth/refresh", json=refresh).json()
    assert_problem(lattice.ask("GET", "/api/auth/me", token=tokens["access_token"]), 401)


def test_an_account_that_is_removed_while_its_password_is_verified_is_refused(
    lattice: Lattice, monkeypatch: pytest.MonkeyPatch
) -> None:
    lattice.register("ada")

    async def removed_meanwhile(*_: object) -> bool:
        async with lattice.database.writing(EVERY_TENANT) as connection:
            await connection.execute(tenants.delete())
        return True

    monkeypatch.setattr(Passwords, "verify", removed_meanwhile)
    log_in = service.log_in(
        door_of(lattice), Credentials(email="ada@example.com", password=PASSWORD)
    )
    with pytest.raises(UnauthorizedError):
        lattice.do(log_in)


def test_a_taken_address_is_refused_without_hashing(
    lattice: Lattice, monkeypatch: pytest.MonkeyPatch
) -> None:
    lattice.register("ada")

    async def never(*_: object) -> str:
        raise AssertionError

    monkeypatch.setattr(Passwords, "hash", never)
    registration = Registration(email="ADA@example.com", password=PASSWORD, tenant_name="Ada Ltd")
    with pytest.raises(ConflictError):
        lattice.do(service.register(door_of(lattice), registration, None))


def test_no_write_waits_while_a_password_is_hashed(
    lattice: Lattice, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = lattice.register("ada")
    hashing, done = asyncio.Event(), asyncio.Event()

    async def held(*_: object) -> str:
        hashing.set()
        await done.wait()
        return "hash"

    monkeypatch.setattr(Passwords, "hash", held)

    async def scenario() -> tuple[int, int]:
        bob = {"email": "bob@example.com", "password": PASSWORD, "tenant_name": "Bob"}
        registering = asyncio.create_task(lattice.send("POST", "/api/auth/register", json=bob))
        await hashing.wait()
        renamed = await lattice.send(
            "PATCH",
            f"/api/tenants/{account.tenant['id']}",
            token=account.access_token,
            json={"name": "Renamed"},
        )
        done.set()
        return renamed.status_code, (await registering).status_code

    assert lattice.do(asyncio.wait_for(scenario(), 10)) == (200, 201)
