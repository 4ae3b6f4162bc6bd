"""Counting in windows of time: in Redis for all processes, or in this one."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limits.aio.storage import MemoryStorage

from lattice.errors import RedisUnusableError
from lattice.redis import PREFIX, RedisServer

if TYPE_CHECKING:
    from redis.asyncio import Redis

MINUTE_S = 60
# All quotas of a request in one round trip. The window begins with the first request in it.
HIT = """
local answer = {}
for place, key in ipairs(KEYS) do
    local count = redis.call('INCR', key)
    local left_ms = redis.call('PTTL', key)
    if left_ms < 0 then
        left_ms = tonumber(ARGV[2 * place]) * 1000
        redis.call('PEXPIRE', key, left_ms)
    end
    table.insert(answer, count)
    table.insert(answer, left_ms)
    if count > tonumber(ARGV[2 * place - 1]) then break end
end
return answer
"""


@dataclass(frozen=True, slots=True)
class Quota:
    """How often one policy allows something to one partition in a window."""

    policy: str
    partition: str
    limit: int
    window_s: int = MINUTE_S


@dataclass(frozen=True, slots=True)
class Usage:
    """Where a quota stands: how often it was drawn on in this window, and until when."""

    quota: Quota
    used: int
    left_s: float

    @property
    def allowed(self) -> bool:
        """Whether the last draw was within the limit."""
        return self.used <= self.quota.limit

    @property
    def remaining(self) -> int:
        """How many draws the limit still allows."""
        return max(0, self.quota.limit - self.used)

    @property
    def resets_in_s(self) -> int:
        """Whole seconds until the next window."""
        return min(self.quota.window_s, max(1, math.ceil(self.left_s)))


class Windows:
    """Windows in Redis; while it is away, and where there is none, in this process."""

    def __init__(self, redis: RedisServer | None) -> None:
        self._shared = _RedisWindows(redis) if redis else None
        self._own = _MemoryWindows()

    async def hit(self, quotas: Sequence[Quota]) -> list[Usage]:
        """Draw once on each quota, up to the first that is used up."""
        if self._shared:
            try:
                return await self._shared.hit(quotas)
            except RedisUnusableError:
                pass
        return await self._own.hit(quotas)

    async def look(self, quotas: Sequence[Quota]) -> list[Usage]:
        """Return where each quota stands, and draw on none."""
        if self._shared:
            try:
                return await self._shared.look(quotas)
            except RedisUnusableError:
                pass
        return await self._own.look(quotas)


class _MemoryWindows:
    def __init__(self) -> None:
        self._storage = MemoryStorage()

    async def hit(self, quotas: Sequence[Quota]) -> list[Usage]:
        drawn: list[Usage] = []
        for quota in quotas:
            used = await self._storage.incr(quota.partition, quota.window_s)
            drawn.append(await self._usage(quota, used))
            if not drawn[-1].allowed:
                break
        return drawn

    async def look(self, quotas: Sequence[Quota]) -> list[Usage]:
        return [
            await self._usage(quota, await self._storage.get(quota.partition)) for quota in quotas
        ]

    async def _usage(self, quota: Quota, used: int) -> Usage:
        resets_at_s = await self._storage.get_expiry(quota.partition)
        return Usage(quota, used, resets_at_s - time.time())


class _RedisWindows:
    """Both raise `RedisUnusableError`."""

    def __init__(self, redis: RedisServer) -> None:
        self._redis = redis

    async def hit(self, quotas: Sequence[Quota]) -> list[Usage]:
        limits = [number for quota in quotas for number in (quota.limit, quota.window_s)]

        async def script(client: "Redis") -> Any:
            return await client.register_script(HIT)(keys=_keys(quotas), args=limits)

        return _usages(quotas, await self._redis.ask(script))

    async def look(self, quotas: Sequence[Quota]) -> list[Usage]:
        async def read(client: "Redis") -> Any:
            pipeline = client.pipeline(transaction=False)
            for key in _keys(quotas):
                pipeline.get(key)
                pipeline.pttl(key)
            return await pipeline.execute()

        return _usages(quotas, await self._redis.ask(read))


def _keys(quotas: Sequence[Quota]) -> list[str]:
    return [f"{PREFIX}calls:{quota.partition}" for quota in quotas]


def _usages(quotas: Sequence[Quota], answer: Sequence[Any]) -> list[Usage]:
    """Read an answer of a count and its milliseconds left for each quota that was come to."""
    pairs = zip(quotas, answer[::2], answer[1::2], strict=False)
    return [Usage(quota, int(count or 0), left_ms / 1000) for quota, count, left_ms in pairs]
