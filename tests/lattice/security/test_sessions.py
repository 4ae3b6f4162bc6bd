from collections.abc import Callable
from datetime import datetime, timedelta

from lattice.database import EVERY_TENANT, now
from lattice.security.sessions import remove_expired_sessions
from lattice.security.tables import sessions
from sqlalchemy import func, select, update

from tests.lattice.in_process import Lattice


def end_of_session(lattice: Lattice) -> datetime:
    end: datetime = lattice.execute(select(sessions.c.expires_at))[0][0]
    return end


def test_refreshing_keeps_one_session_alive(lattice_with: Callable[..., Lattice]) -> None:
    lattice = lattice_with(refresh_token_ttl_s=100)
    account = lattice.register()
    lattice.execute(update(sessions).values(expires_at=now() + timedelta(seconds=5)))
    refresh = {"refresh_token": account.refresh_token}
    assert lattice.ask("POST", "/api/auth/refresh", json=refresh).status_code == 200
    assert lattice.execute(select(func.count()).select_from(sessions)) == [(1,)]
    assert (end_of_session(lattice) - now()).total_seconds() > 90


def test_a_session_does_not_outlive_an_account_that_expires(
    lattice_with: Callable[..., Lattice],
) -> None:
    lattice = lattice_with(smoke_account_ttl_s=60)
    account = lattice.register("smoke", headers={"X-Smoke-Test": "run-1"})
    assert (end_of_session(lattice) - now()).total_seconds() <= 60
    lattice.ask("POST", "/api/auth/refresh", json={"refresh_token": account.refresh_token})
    assert (end_of_session(lattice) - now()).total_seconds() <= 60


def test_sessions_that_are_over_are_removed(lattice: Lattice) -> None:
    over, live = lattice.register("ada"), lattice.register("bob")
    lattice.execute(
        update(sessions)
        .where(sessions.c.user_id == over.user["id"])
        .values(expires_at=now() - timedelta(seconds=1))
    )

    async def remove() -> int:
        async with lattice.database.writing(EVERY_TENANT) as connection:
            return await remove_expired_sessions(connection)

    assert lattice.do(remove()) == 1
    assert lattice.execute(select(sessions.c.user_id)) == [(live.user["id"],)]
