"""The end of accounts that were made to expire: those of deployment checks."""

import asyncio

import structlog
from sqlalchemy import delete, exists
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from lattice.accounts.registrations import remove_expired_registrations
from lattice.accounts.tables import users
from lattice.database import EVERY_TENANT, Database, now
from lattice.idempotency.once import remove_old_keys
from lattice.security.sessions import remove_expired_sessions
from lattice.tenants.tables import tenants


async def remove_expired_accounts(connection: AsyncConnection) -> int:
    """Remove expired accounts, of all tenants, and the tenants that they leave empty.

    Returns how many accounts were removed.
    """
    # One statement: who expires between two would go and leave an empty tenant for good.
    expired = delete(users).where(users.c.expires_at <= now()).returning(users.c.tenant_id)
    removed = (await connection.scalars(expired)).all()
    for tenant_id in set(removed):
        inhabited = exists().where(users.c.tenant_id == tenant_id)
        await connection.execute(delete(tenants).where(tenants.c.id == tenant_id, ~inhabited))
    return len(removed)


async def keep_removing_expired(database: Database, interval_s: float) -> None:
    """Remove what has expired, now and then every `interval_s` seconds, until cancelled."""
    log = structlog.get_logger("lattice")
    while True:
        try:
            async with database.writing(EVERY_TENANT) as connection:
                removed = {
                    "accounts": await remove_expired_accounts(connection),
                    "registrations": await remove_expired_registrations(connection),
                    "sessions": await remove_expired_sessions(connection),
                    "keys": await remove_old_keys(connection),
                }
            if any(removed.values()):
                log.info("removed what has expired", **removed)
        except SQLAlchemyError as error:
            log.warning("could not remove what has expired", error=type(error).__name__)
        await asyncio.sleep(interval_s)
