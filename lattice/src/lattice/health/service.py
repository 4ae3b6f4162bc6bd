"""Looks at what the service needs, and says how it is: of a server, within a second."""

import asyncio

from sqlalchemy.exc import SQLAlchemyError

from lattice.database import Database
from lattice.errors import DatabaseUnusableError, RedisUnusableError, UnavailableError
from lattice.redis import RedisServer

ANSWER_WITHIN_S = 0.9
# A file does not hang as a server may: if it takes long, this machine is busy.
FILE_ANSWERS_WITHIN_S = 5.0
CONNECTED = "connected"
DISCONNECTED = "disconnected"
NOT_CONFIGURED = "not configured"
REDIS_MISSING = "Redis not configured"


async def check_database(database: Database) -> None:
    """Raise `UnavailableError` unless the database answers, takes writes and has its schema."""
    limit_s = ANSWER_WITHIN_S if database.is_server else FILE_ANSWERS_WITHIN_S
    try:
        async with asyncio.timeout(limit_s):
            await database.ping()
            await database.check_schema()
    except DatabaseUnusableError as error:
        raise _database_trouble(error.detail, error.state) from error
    except (SQLAlchemyError, OSError) as error:
        raise _database_trouble("The database does not answer.", DISCONNECTED) from error


def _database_trouble(detail: str, state: str) -> UnavailableError:
    return UnavailableError(detail, members={"database": state})


async def check_redis(redis: RedisServer | None) -> None:
    """Raise `UnavailableError` unless Redis answers and takes writes."""
    if redis is None:
        raise UnavailableError(
            "Redis is not configured; nothing here needs it.",
            members={"redis": NOT_CONFIGURED, "message": REDIS_MISSING},
        )
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await redis.ping()
    except RedisUnusableError as error:
        raise UnavailableError(error.detail, members={"redis": error.state}) from error
    except OSError as error:
        words = "Redis does not answer."
        raise UnavailableError(words, members={"redis": DISCONNECTED}) from error


async def check_all(database: Database, redis: RedisServer | None) -> dict[str, str]:
    """Return in a word how the database is, and how Redis is."""
    checks = {"database": check_database(database), "redis": check_redis(redis)}
    found = await asyncio.gather(*checks.values(), return_exceptions=True)
    return {name: _word(name, error) for name, error in zip(checks, found, strict=True)}


def _word(name: str, error: BaseException | None) -> str:
    if error is None:
        return CONNECTED
    if not isinstance(error, UnavailableError):
        raise error
    return str(error.members[name])
