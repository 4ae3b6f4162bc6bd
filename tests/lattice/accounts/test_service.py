import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from lattice.accounts import service
from lattice.accounts.schemas import Credentials
from lattice.accounts.tables import users
from lattice.database import EVERY_TENANT, now
from lattice.errors import UnauthorizedError
from lattice.security.passwords import Passwords
from lattice.settings import Settings
from lattice.tenants.tables import tenants
from sqlalchemy import select, update

from tests.lattice.in_process import PASSWORD, Lattice, assert_problem


def door_of(lattice: Lattice) -> service.Door:
    state = lattice.app.state
    return service.Door(
        state.database,
        state.passwords,
        state.tokens,
        state.revocations,
        state.throttle,
        "192.0.2.1",
    )


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


def test_a_login_that_is_refused_takes_the_same_work_whoever_is_asked_for(
    lattice: Lattice, hashed: list[str]
) -> None:
    lattice.register("ada")
    lattice.register("gone")
    gone = users.c.email == "gone@example.com"
    lattice.execute(update(users).where(gone).values(expires_at=now() - timedelta(seconds=1)))
    for email in ("ada@example.com", "gone@example.com", "nobody@example.com", "not an address"):
        hashed.clear()
        credentials = {"email": email, "password": "a wrong password"}
        assert_problem(lattice.ask("POST", "/api/auth/login", json=credentials), 401)
        assert hashed == ["verify m=8,t=1,p=1"], email


def test_a_registration_takes_the_same_work_whether_the_address_is_taken_or_not(
    lattice: Lattice, hashed: list[str]
) -> None:
    for status in (201, 409):
        hashed.clear()
        registration = {"email": "ada@example.com", "password": PASSWORD, "tenant_name": "Ada"}
        reply = lattice.ask("POST", "/api/auth/register", json=registration)
        assert reply.status_code == status
        assert hashed == ["hash m=8,t=1,p=1"]


def kept_hash(lattice: Lattice) -> str:
    return str(lattice.execute(select(users.c.password_hash))[0][0])


def test_the_right_password_is_hashed_again_when_the_costs_have_changed(
    settings_with: Callable[..., Settings], hashed: list[str]
) -> None:
    with Lattice(settings_with()) as before:
        before.register("ada")
        old = kept_hash(before)
    with Lattice(settings_with(password_time_cost=2)) as lattice:
        wrong = {"email": "ada@example.com", "password": "a wrong password"}
        assert_problem(lattice.ask("POST", "/api/auth/login", json=wrong), 401)
        assert kept_hash(lattice) == old

        lattice.log_in("ada")
        new = kept_hash(lattice)
        assert new.startswith("$argon2id$v=19$m=8,t=2,p=1$")
        hashed.clear()
        lattice.log_in("ada")
        assert (kept_hash(lattice), hashed) == (new, [])
        assert_problem(lattice.ask("POST", "/api/auth/login", json=wrong), 401)


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

    assert lattice.do(asyncio.wait_for(scenario(), 60)) == (200, 201)
