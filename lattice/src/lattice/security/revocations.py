"""Sessions that have just ended, noted in Redis while their access tokens could still be shown.

Redis only says no, and early: such a token draws on the limit of its address, not on that of its
tenant. Whether a session lives, the database is asked each time, with Redis or without.
"""

import structlog

from lattice.errors import RedisUnusableError
from lattice.redis import PREFIX, RedisServer
from lattice.security.tokens import LEEWAY_S
from lattice.settings import Settings


class Revocations:
    """The sessions that have ended, as far as Redis knows."""

    def __init__(self, settings: Settings, redis: RedisServer | None) -> None:
        self._redis = redis
        self._kept_for_s = settings.access_token_ttl_s + LEEWAY_S

    async def add(self, session_id: str) -> None:
        """Note a session whose end is committed."""
        if self._redis is None:
            return
        try:
            await self._redis.ask(
                lambda client: client.set(_key(session_id), 1, ex=self._kept_for_s)
            )
        except RedisUnusableError as error:
            structlog.get_logger("lattice").warning("end not noted", reason=error.detail)

    async def has(self, session_id: str) -> bool:
        """Tell whether a session is known to have ended."""
        if self._redis is None:
            return False
        try:
            return await self._redis.ask(lambda client: client.exists(_key(session_id))) > 0
        except RedisUnusableError:
            return False


def _key(session_id: str) -> str:
    return f"{PREFIX}ended:{session_id}"
