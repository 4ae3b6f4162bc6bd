"""What is said of Redis, and what it costs while it is away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from lattice.errors import RedisUnusableError
from lattice.health.service import ANSWER_WITHIN_S
from lattice.redis import RedisServer

from tests.lattice.in_process import Lattice
from tests.lattice.servers import Redis, assert_in_the_end


def health(lattice: Lattice) -> tuple[int, str, str]:
    """What `/health/redis` and `/health` say of it."""

    async def ask() -> list[Any]:
        paths = ("/health/redis", "/health", "/health/ready")
        return await asyncio.gather(*(lattice.send("GET", path) for path in paths))

    redis, whole, ready = lattice.do(ask())
    # The service does without it.
    assert (whole.status_code, ready.status_code) == (200, 200)
    word = redis.json()["redis"]
    told = whole.json()["checks"]["redis"]
    if told != word:  # it came or went between the two
        word = f"{word}, then {told}"
    return redis.status_code, word, whole.json()["status"]


def test_what_is_said_of_redis_is_true_and_said_within_a_second(
    lattice_with: Callable[..., Lattice],
) -> None:
    assert ANSWER_WITHIN_S < 1
    well, away = (200, "connected", "healthy"), (503, "disconnected", "degraded")
    with Redis() as redis:
        lattice = lattice_with(redis_url=redis.url)
        assert_in_the_end(lambda: health(lattice) == well)
        redis.hang()
        assert [health(lattice) for _ in range(2)] == [away] * 2
        redis.resume()
        assert_in_the_end(lambda: health(lattice) == well)
        redis.send("REPLICAOF 127.0.0.1 1")
        assert health(lattice) == (503, "read-only", "degraded")
        redis.send("REPLICAOF NO ONE")
        assert_in_the_end(lambda: health(lattice) == well)
        redis.stop()
        assert health(lattice) == away
        redis.start()
        assert_in_the_end(lambda: health(lattice) == well)


def test_nobody_waits_again_so_soon_after_it_did_not_answer(redis: Redis) -> None:
    asked: list[str] = []

    async def fail(_: object) -> None:
        asked.append("it fails")
        raise TimeoutError

    async def scenario() -> None:
        server = RedisServer(redis.url)
        for _ in range(3):
            with pytest.raises(RedisUnusableError):
                await server.ask(fail)
        assert asked == ["it fails"]
        # Who wants to know asks in any case, and then it is back for all.
        await server.ping()
        assert await server.ask(lambda client: client.ping())
        await server.close()

    asyncio.run(scenario())
