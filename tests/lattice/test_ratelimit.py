import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from lattice.ratelimit import RateLimits
from lattice.windows import Quota

from lattice import redis
from tests.lattice.in_process import Lattice, assert_problem
from tests.lattice.servers import Redis

ITEM = re.compile(r'"(?P<policy>\w+)"(?P<parameters>(;\w+=\d+)+)')


def items(field: str) -> dict[str, dict[str, int]]:
    """The items of a structured list of strings with integer parameters (RFC 9651)."""
    read = {}
    for item in field.split(", "):
        match = ITEM.fullmatch(item)
        assert match, item
        pairs = (pair.split("=") for pair in match["parameters"].split(";")[1:])
        read[match["policy"]] = {name: int(value) for name, value in pairs}
    return read


LIMITS = {"rate_limit_anonymous": 4, "rate_limit_session": 3, "rate_limit_tenant": 5}


@pytest.fixture(params=["memory", "redis"])
def where(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Where the windows are kept."""
    if request.param == "memory":
        return {}
    redis: Redis = request.getfixturevalue("redis")
    return {"redis_url": redis.url}


@pytest.fixture
def lattice(lattice_with: Callable[..., Lattice], where: dict[str, Any]) -> Lattice:
    return lattice_with(**LIMITS, **where)


def ask_me(lattice: Lattice, token: str, times: int = 1) -> list[int]:
    return [lattice.ask("GET", "/api/auth/me", token=token).status_code for _ in range(times)]


def test_a_session_is_limited_and_told_when_to_come_back(lattice: Lattice) -> None:
    token = lattice.register().access_token
    for remaining in (2, 1, 0):
        reply = lattice.ask("GET", "/api/auth/me", token=token)
        assert reply.status_code == 200
        policy, state = items(reply.headers["RateLimit-Policy"]), items(reply.headers["RateLimit"])
        assert policy == {"client": {"q": 3, "w": 60}, "tenant": {"q": 5, "w": 60}}
        assert state["client"]["r"] == remaining
        assert 1 <= state["client"]["t"] <= 60
        assert "Retry-After" not in reply.headers
    refused = lattice.ask("GET", "/api/auth/me", token=token)
    assert_problem(refused, 429)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    state = items(refused.headers["RateLimit"])
    assert state["client"] == {"r": 0, "t": int(refused.headers["Retry-After"])}


def test_another_session_of_the_account_goes_on(lattice: Lattice) -> None:
    loud, quiet = lattice.register().access_token, lattice.log_in().access_token
    assert ask_me(lattice, loud, 8) == [200] * 3 + [429] * 5
    # What was refused does not weigh on the tenant, whose other session can still leave.
    assert lattice.ask("DELETE", "/api/auth/me", token=quiet).status_code == 204


def test_all_sessions_of_a_tenant_share_a_limit(lattice: Lattice) -> None:
    first, second = lattice.register().access_token, lattice.log_in().access_token
    assert ask_me(lattice, first, 3) == [200] * 3
    assert ask_me(lattice, second, 2) == [200] * 2
    refused = lattice.ask("GET", "/api/auth/me", token=second)
    assert_problem(refused, 429)
    assert items(refused.headers["RateLimit"])["tenant"]["r"] == 0
    assert "tenant" in refused.json()["detail"]
    assert ask_me(lattice, lattice.register("bob").access_token) == [200]


@pytest.mark.parametrize("authorization", [None, "Bearer x", "Basic YTpi"])
def test_without_a_valid_token_the_address_counts(
    lattice: Lattice, authorization: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    replies = [lattice.ask("GET", "/api/auth/me", headers=headers) for _ in range(5)]
    assert [reply.status_code for reply in replies] == [401] * 4 + [429]
    assert items(replies[0].headers["RateLimit-Policy"]) == {"client": {"q": 4, "w": 60}}


def test_unknown_paths_count_too(lattice: Lattice) -> None:
    assert [lattice.ask("GET", "/nope").status_code for _ in range(5)] == [404] * 4 + [429]


def test_a_valid_token_frees_from_what_others_at_the_address_have_used(lattice: Lattice) -> None:
    token = lattice.register().access_token
    while lattice.ask("GET", "/nope").status_code != 429:
        pass
    assert ask_me(lattice, token) == [200]


@pytest.mark.parametrize(
    "path", ["/health", "/health/live", "/metrics", "/version", "/docs", "/openapi.json"]
)
def test_what_operators_ask_is_exempt(lattice: Lattice, path: str) -> None:
    replies = [lattice.ask("GET", path) for _ in range(6)]
    assert {reply.status_code for reply in replies} == {200}
    assert not any("ratelimit" in reply.headers for reply in replies)


def test_preflights_are_exempt(lattice_with: Callable[..., Lattice]) -> None:
    lattice = lattice_with(rate_limit_anonymous=1)
    preflight = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    replies = [lattice.ask("OPTIONS", "/api/auth/login", headers=preflight) for _ in range(3)]
    assert {reply.status_code for reply in replies} == {204}


def test_requests_at_once_are_counted_exactly(
    lattice_with: Callable[..., Lattice], where: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine it is late, not away.
    monkeypatch.setattr(redis, "ANSWERED_WITHIN_S", 60.0)
    lattice = lattice_with(**where)
    state = lattice.app.state
    limits = RateLimits(state.settings, state.tokens, state.revocations, state.windows)

    async def burst() -> list[bool]:
        quota = Quota("client", "address:192.0.2.1", 20)
        drawn = await asyncio.gather(*(limits.draw([quota]) for _ in range(100)))
        return [usages[-1].allowed for usages in drawn]

    assert sum(lattice.do(burst())) == 20


def test_production_limits_are_those_that_are_promised(
    lattice_with: Callable[..., Lattice],
) -> None:
    lattice = lattice_with()
    anonymous = lattice.ask("GET", "/nope")
    assert anonymous.headers["RateLimit-Policy"] == '"client";q=100;w=60'
    reply = lattice.ask("GET", "/api/auth/me", token=lattice.register().access_token)
    assert reply.headers["RateLimit-Policy"] == '"client";q=120;w=60, "tenant";q=600;w=60'


def test_processes_with_one_redis_share_the_limits(
    lattice_with: Callable[..., Lattice], redis: Redis
) -> None:
    one, other = (lattice_with(**LIMITS, redis_url=redis.url, secret=32 * "s") for _ in range(2))
    token = one.register().access_token
    assert ask_me(one, token, 2) + ask_me(other, token, 2) == [200, 200, 200, 429]


def test_a_token_whose_session_has_ended_draws_on_its_address(
    lattice_with: Callable[..., Lattice], redis: Redis
) -> None:
    lattice = lattice_with(redis_url=redis.url)
    account, reused = lattice.register(), lattice.log_in()
    lattice.ask("POST", "/api/auth/logout", token=account.access_token)
    for _ in range(2):
        refresh = {"refresh_token": reused.refresh_token}
        lattice.ask("POST", "/api/auth/refresh", json=refresh)
    for dead in (account, reused):
        reply = lattice.ask("GET", "/api/auth/me", token=dead.access_token)
        assert_problem(reply, 401)
        assert reply.headers["RateLimit-Policy"] == '"client";q=100;w=60'


def test_what_redis_forgets_lets_nobody_in(
    lattice_with: Callable[..., Lattice], redis: Redis
) -> None:
    lattice = lattice_with(redis_url=redis.url)
    token = lattice.register().access_token
    lattice.ask("POST", "/api/auth/logout", token=token)
    redis.send("FLUSHALL")
    assert_problem(lattice.ask("GET", "/api/auth/me", token=token), 401)


def test_without_its_redis_a_process_counts_for_itself(
    lattice_with: Callable[..., Lattice],
) -> None:
    with Redis() as redis:
        lattice = lattice_with(**LIMITS, redis_url=redis.url)
        token = lattice.register().access_token
        assert ask_me(lattice, token, 4) == [200, 200, 200, 429]
        redis.kill()
        assert ask_me(lattice, token, 4) == [200, 200, 200, 429]
        redis.start()
        lattice.ask("GET", "/health/redis")
        assert ask_me(lattice, token, 4) == [200, 200, 200, 429]
        redis.hang()
        assert ask_me(lattice, lattice.register("bob").access_token, 1) == [200]
        redis.resume()
