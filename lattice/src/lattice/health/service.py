"""Looks at what the service needs."""

import asyncio

from sqlalchemy.exc import SQLAlchemyError

from lattice.database import Database
from lattice.errors import UnavailableError

ANSWER_WITHIN_S = 2.0
REDIS_MISSING = "Redis not configured"


async def check_database(database: Database) -> None:
    """Raise `UnavailableError` unless the database answers a query within `ANSWER_WITHIN_S`."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await database.ping()
    except (SQLAlchemyError, OSError) as error:
        raise UnavailableError(
            "The database does not answer.", members={"database": "disconnected"}
        ) from error


async def check_redis() -> None:
    """Raise `UnavailableError`: this service has no Redis yet."""
    raise UnavailableError(
        "Redis is not configured; nothing here needs it.",
        members={"redis": "not configured", "message": REDIS_MISSING},
    )
