"""Redis, where there is one: what all processes of the service count and note together.

Nothing is lost with it. While it is away each process counts for itself, and the database alone
says which sessions live.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import HTTPConnection

from lattice.errors import RedisUnusableError

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")

ANSWERED_WITHIN_S = 0.4
# So soon after it did not answer nobody waits for it again.
PAUSE_S = 1.0
CONNECTIONS = 32
# Of every key: others may use the same Redis.
PREFIX = "lattice:"


class RedisServer:
    """Connections to one Redis."""

    def __init__(self, url: str) -> None:
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError as ClosedError

        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=ANSWERED_WITHIN_S,
            socket_timeout=ANSWERED_WITHIN_S,
            socket_connect_timeout=ANSWERED_WITHIN_S,
            # Once more at once: what was idle may have been closed by the server.
            retry=Retry(NoBackoff(), 1, (ClosedError,)),
        )
        self._client = Redis.from_pool(pool)
        self._away_until_s = 0.0

    async def ask(self, command: Callable[["Redis"], Awaitable[T]]) -> T:
        """Return the answer to a command, raise `RedisUnusableError` if there is none in time."""
        if time.monotonic() < self._away_until_s:
            raise RedisUnusableError("disconnected", "Redis does not answer.")
        return await self._ask(command)

    async def ping(self) -> None:
        """Return if it answers and takes writes, raise `RedisUnusableError` if not."""
        await self._ask(lambda client: client.set(f"{PREFIX}ping", 1, ex=60))
        self._away_until_s = 0.0

    async def _ask(self, command: Callable[["Redis"], Awaitable[T]]) -> T:
        from redis.exceptions import ReadOnlyError, RedisError

        try:
            async with asyncio.timeout(2 * ANSWERED_WITHIN_S):
                return await command(self._client)
        except (RedisError, OSError) as error:
            self._away_until_s = time.monotonic() + PAUSE_S
            if isinstance(error, ReadOnlyError):
                words = "Redis takes no writes at present."
                raise RedisUnusableError("read-only", words) from error
            raise RedisUnusableError("disconnected", "Redis does not answer.") from error

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()


def redis_of(request: HTTPConnection) -> RedisServer | None:
    """Return the Redis of the application that serves this request, if it has one."""
    redis: RedisServer | None = request.app.state.redis
    return redis
