import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from lattice.accounts import expiry
from lattice.accounts.expiry import remove_expired_accounts
from lattice.accounts.tables import users
from lattice.database import EVERY_TENANT, now
from lattice.security.tables import sessions
from lattice.tenants.tables import tenants
from sqlalchemy import insert, select, update
from sqlalchemy.exc import OperationalError

from tests.lattice.in_process import Lattice

GONE = timedelta(seconds=-1)


def remove_expired(lattice: Lattice) -> int:
    async def remove() -> int:
        async with lattice.database.writing(EVERY_TENANT) as connection:
            return await remove_expired_accounts(connection)

    return lattice.do(remove())


def test_only_what_has_expired_is_removed(lattice: Lattice) -> None:
    kept, expired, later = (lattice.register(name) for name in ("kept", "expired", "later"))
    for account, end in ((expired, now() + GONE), (later, now() - GONE)):
        lattice.execute(
            update(users).where(users.c.id == account.user["id"]).values(expires_at=end)
        )
    assert remove_expired(lattice) == 1
    left = {(kept.tenant["id"],), (later.tenant["id"],)}
    assert set(lattice.execute(select(tenants.c.id))) == left
    assert set(lattice.execute(select(users.c.tenant_id))) == left
    assert set(lattice.execute(select(sessions.c.tenant_id))) == left
    assert remove_expired(lattice) == 0


def test_a_tenant_with_someone_left_stays(lattice: Lattice) -> None:
    account = lattice.register("ada")
    smoke = {
        "id": "smoke",
        "tenant_id": account.tenant["id"],
        "email": "smoke@example.com",
        "email_key": "smoke@example.com",
        "password_hash": "",
        "role": "member",
        "created_at": now(),
        "expires_at": now() + GONE,
    }
    lattice.execute(insert(users).values(smoke))
    assert remove_expired(lattice) == 1
    assert lattice.execute(select(users.c.id)) == [(account.user["id"],)]
    assert lattice.execute(select(tenants.c.id)) == [(account.tenant["id"],)]


def await_removal(lattice: Lattice) -> None:
    """Let the application run until no tenant is left, or for far too long."""
    give_up_s = time.monotonic() + 30
    while lattice.execute(select(tenants.c.id)) and time.monotonic() < give_up_s:
        lattice.do(asyncio.sleep(0.02))
    assert lattice.execute(select(users.c.id)) == []
    assert lattice.execute(select(tenants.c.id)) == []


def test_the_running_service_removes_by_itself(lattice_with: Callable[..., Lattice]) -> None:
    lattice = lattice_with(expiry_interval_s=0.02)
    lattice.register("smoke")
    lattice.do(asyncio.sleep(0.1))
    assert len(lattice.execute(select(users.c.id))) == 1
    lattice.execute(update(users).values(expires_at=now() + GONE))
    await_removal(lattice)


def test_trouble_with_the_database_does_not_end_the_removing(
    lattice_with: Callable[..., Lattice], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise OperationalError("DELETE", {}, Exception("no"))

    lattice = lattice_with(expiry_interval_s=0.02)
    lattice.register("smoke")
    monkeypatch.setattr(expiry, "remove_expired_sessions", broken)
    lattice.execute(update(users).values(expires_at=now() + GONE))
    lattice.do(asyncio.sleep(0.1))
    # Taken back as a whole: what cannot be finished is tried again.
    assert len(lattice.execute(select(users.c.id))) == 1
    monkeypatch.undo()
    await_removal(lattice)
