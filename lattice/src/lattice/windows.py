"""Counting requests in windows of a minute: in this process, or in Redis for all processes."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from lattice.redis import PREFIX, RedisServer

if TYPE_CHECKING:
    from redis.asyncio import Redis

WINDOW_S = 60
# All quotas of a request in one round trip. The window begins with the first request in it.
HIT = """
local answer = {}
for place, key in ipairs(KEYS) do
    local count = redis.call('INCR', key)
    local left_ms = redis.call('PTTL', key)
    if left_ms < 0 then
        redis.call('PEXPIRE', key, ARGV[1])
        left_ms = ARGV[1]
    end
    table.insert(answer, count)
    table.insert(answer, tonumber(left_ms))
    if count > tonumber(ARGV[place + 1]) then break end
end
return answer
"""


@dataclass(frozen=True, slots=True)
class Quota:
    """What one policy allows to one partition: an address, a session or a tenant."""

    policy: str
    partition: str
    per_minute: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Where a quota stands after a request: what remains, and until when."""

    quota: Quota
    allowed: bool
    remaining: int
    resets_in_s: int


class MemoryWindows:
    """Windows that one process keeps."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    async def hit(self, quotas: Sequence[Quota]) -> list[Usage]:
        """Count one request against each quota, up to the first that is used up."""
        drawn: list[Usage] = []
        for quota in quotas:
            drawn.append(await self._hit(quota))
            if not drawn[-1].allowed:
                break
        return drawn

    async def _hit(self, quota: Quota) -> Usage:
        item = RateLimitItemPerMinute(quota.per_minute)
        allowed = await self._limiter.hit(item, quota.partition)
        resets_at_s, remaining = await self._limiter.get_window_stats(item, quota.partition)
        return Usage(quota, allowed, remaining, _whole_s(resets_at_s - time.time()))


class RedisWindows:
    """Windows that all processes share."""

    def __init__(self, redis: RedisServer) -> None:
        self._redis = redis

    async def hit(self, quotas: Sequence[Quota]) -> list[Usage]:
        """As `MemoryWindows.hit`; raises `RedisUnusableError`."""
        keys = [f"{PREFIX}calls:{quota.partition}" for quota in quotas]
        limits = [quota.per_minute for quota in quotas]

        async def script(client: "Redis") -> Any:
            return await client.register_script(HIT)(keys=keys, args=[WINDOW_S * 1000, *limits])

        answer: list[int] = await self._redis.ask(script)
        pairs = zip(quotas, answer[::2], answer[1::2], strict=False)
        return [
            Usage(
                quota,
                allowed=count <= quota.per_minute,
                remaining=max(0, quota.per_minute - count),
                resets_in_s=_whole_s(left_ms / 1000),
            )
            for quota, count, left_ms in pairs
        ]


def _whole_s(left_s: float) -> int:
    return min(WINDOW_S, max(1, math.ceil(left_s)))
