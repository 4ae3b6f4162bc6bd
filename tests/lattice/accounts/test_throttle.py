import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from lattice.accounts.throttle import Attempt, Throttle
from lattice.errors import TooManyRequestsError
from lattice.redis import RedisServer
from lattice.security.passwords import Passwords
from lattice.settings import Settings
from lattice.windows import Windows

from lattice import redis as lattice_redis
from tests.lattice.in_process import PASSWORD, Lattice, assert_problem
from tests.lattice.servers import STARTS_WITHIN_S, Redis

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.1"
LIMITS = {"login_limit_pair": 3, "login_limit_address": 100, "login_limit_account": 100}

Scenario = Callable[[Throttle], Awaitable[None]]


@pytest.fixture(params=["memory", "redis"])
def play(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Play a scenario with these limits, wherever failures are counted."""
    # On a busy machine it is late, not away.
    monkeypatch.setattr(lattice_redis, "ANSWERED_WITHIN_S", 60.0)
    server: Redis | None = request.getfixturevalue("redis") if request.param == "redis" else None

    async def run(scenario: Scenario, settings: Settings) -> None:
        shared = RedisServer(server.url) if server else None
        try:
            await scenario(Throttle(settings, Windows(shared)))
        finally:
            if shared:
                await shared.close()

    def play(scenario: Scenario, **limits: int) -> None:
        asyncio.run(run(scenario, Settings.model_validate({"dev": True} | LIMITS | limits)))

    return play


async def waits_s(attempt: Attempt) -> int:
    """How long it has to wait; 0: it may be made."""
    try:
        await attempt.check()
    except TooManyRequestsError as error:
        return int((error.headers or {})["Retry-After"])
    return 0


async def fails(attempt: Attempt) -> bool:
    """Let it fail; tells whether it is answered as a failure, not as one too many."""
    await attempt.check()
    return await is_answered(attempt)


async def is_answered(attempt: Attempt) -> bool:
    try:
        await attempt.fail()
    except TooManyRequestsError:
        return False
    return True


def test_who_fails_too_often_at_an_account_waits_for_it_alone(play: Callable[..., None]) -> None:
    async def scenario(throttle: Throttle) -> None:
        attempt = throttle.login("ada", HERE)
        assert [await fails(attempt) for _ in range(3)] == [True] * 3
        assert 1 <= await waits_s(attempt) <= 900
        assert await waits_s(throttle.login("bob", HERE)) == 0
        assert await waits_s(throttle.login("ada", ELSEWHERE)) == 0

    play(scenario)


def test_an_address_that_fails_everywhere_waits_everywhere(play: Callable[..., None]) -> None:
    async def scenario(throttle: Throttle) -> None:
        for name in ("ada", "bob"):
            assert await fails(throttle.login(name, HERE))
        assert await fails(throttle.registration(HERE))
        assert await waits_s(throttle.login("eve", HERE))
        assert await waits_s(throttle.registration(HERE))
        assert await waits_s(throttle.login("ada", ELSEWHERE)) == 0
        assert await waits_s(throttle.registration(ELSEWHERE)) == 0

    play(scenario, login_limit_address=3)


def test_an_account_that_many_addresses_try_gives_each_of_them_one_failure(
    play: Callable[..., None],
) -> None:
    async def scenario(throttle: Throttle) -> None:
        attackers = [throttle.login("ada", f"192.0.2.{number}") for number in range(4)]
        for attacker in attackers:
            assert await fails(attacker)
        assert all([await waits_s(attacker) for attacker in attackers])
        # However long it goes on, who has not failed here is not held up.
        owner = throttle.login("ada", ELSEWHERE)
        assert await waits_s(owner) == 0
        assert await is_answered(owner)
        assert 1 <= await waits_s(owner) <= 900
        assert not await is_answered(owner)
        assert await waits_s(throttle.login("bob", "192.0.2.1")) == 0

    play(scenario, login_limit_account=3)


def test_of_guesses_at_once_no_more_are_answered_than_are_allowed(
    play: Callable[..., None],
) -> None:
    async def scenario(throttle: Throttle) -> None:
        attempt = throttle.login("ada", HERE)
        await asyncio.gather(*(attempt.check() for _ in range(20)))
        answered = await asyncio.gather(*(is_answered(attempt) for _ in range(19)))
        assert sum(answered) == 3
        # Nor is the right one among them.
        assert await waits_s(attempt)

    play(scenario)


def test_nobody_waits_for_longer_than_a_window(play: Callable[..., None]) -> None:
    async def scenario(throttle: Throttle) -> None:
        attempt = throttle.login("ada", HERE)
        while await is_answered(attempt):
            pass
        async with asyncio.timeout(STARTS_WITHIN_S):
            while await waits_s(attempt):  # noqa: ASYNC110 - Redis has no event for it
                # Who keeps trying does not have to wait anew.
                await asyncio.sleep(0.02)

    play(scenario, login_window_s=1)


def test_processes_with_one_redis_count_together(redis: Redis) -> None:
    settings = Settings.model_validate({"dev": True} | LIMITS)

    async def scenario() -> None:
        servers = [RedisServer(redis.url) for _ in range(2)]
        one, other = (Throttle(settings, Windows(server)) for server in servers)
        for _ in range(3):
            assert await fails(one.login("ada", HERE))
        assert await waits_s(other.login("ada", HERE))
        for server in servers:
            await server.close()

    asyncio.run(scenario())


def test_without_its_redis_a_process_counts_for_itself() -> None:
    async def scenario() -> None:
        server = RedisServer("redis://127.0.0.1:1/0")
        attempt = Throttle(Settings.model_validate({"dev": True} | LIMITS), Windows(server)).login(
            "ada", HERE
        )
        assert [await fails(attempt) for _ in range(3)] == [True] * 3
        assert await waits_s(attempt)
        await server.close()

    asyncio.run(scenario())


def test_addresses_of_persons_are_not_among_what_is_counted() -> None:
    throttle = Throttle(Settings(dev=True), Windows(None))
    for quota in throttle.login("ada@example.com", HERE).quotas:
        assert "ada" not in quota.partition


def ask_from(
    lattice: Lattice, address: str, path: str, token: str | None = None, **content: str
) -> httpx2.Response:
    """Send one request from this address."""

    async def ask() -> httpx2.Response:
        transport = httpx2.ASGITransport(lattice.app, client=(address, 50_000))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx2.AsyncClient(transport=transport, base_url="http://lattice") as client:
            return await client.post(path, json=content, headers=headers)

    return lattice.do(ask())


def log_in_from(
    lattice: Lattice, address: str, password: str, name: str = "ada", token: str | None = None
) -> httpx2.Response:
    email = f"{name}@example.com"
    return ask_from(
        lattice, address, "/api/auth/login", token=token, email=email, password=password
    )


@pytest.fixture
def limited(lattice_with: Callable[..., Lattice]) -> Lattice:
    """With an account, and little patience."""
    lattice = lattice_with(**LIMITS)
    lattice.register("ada")
    return lattice


def test_a_guesser_waits_and_the_owner_gets_in_from_elsewhere(limited: Lattice) -> None:
    guesses = [log_in_from(limited, HERE, "wrong").status_code for _ in range(4)]
    assert guesses == [401, 401, 401, 429]
    refused = log_in_from(limited, HERE, PASSWORD)
    assert_problem(refused, 429)
    assert 1 <= int(refused.headers["Retry-After"]) <= 900
    assert log_in_from(limited, ELSEWHERE, PASSWORD).status_code == 200


def test_what_has_no_account_is_answered_just_as_what_has_one(limited: Lattice) -> None:
    def answers(name: str, address: str) -> list[tuple[int, bytes]]:
        replies = [log_in_from(limited, address, "wrong", name) for _ in range(4)]
        # How long to wait depends on when one came.
        return [(reply.status_code, reply.content.rpartition(b"in ")[0]) for reply in replies]

    assert answers("nobody", HERE) == answers("ada", ELSEWHERE)


def test_who_waits_has_no_password_hashed(
    limited: Lattice, monkeypatch: pytest.MonkeyPatch
) -> None:
    while log_in_from(limited, HERE, "wrong").status_code != 429:
        pass

    async def never(*_: object) -> bool:
        raise AssertionError

    monkeypatch.setattr(Passwords, "verify", never)
    assert_problem(log_in_from(limited, HERE, PASSWORD), 429)


@pytest.mark.parametrize("email", ["Ada@Example.com", "ADA@EXAMPLE.COM"])
def test_an_account_is_the_same_in_any_letter_case(limited: Lattice, email: str) -> None:
    for _ in range(3):
        log_in_from(limited, HERE, "wrong")
    reply = ask_from(limited, HERE, "/api/auth/login", email=email, password="wrong")
    assert_problem(reply, 429)


def test_right_passwords_neither_count_nor_wash_failures_away(limited: Lattice) -> None:
    async def at_once() -> set[int]:
        credentials = {"email": "ada@example.com", "password": PASSWORD}
        logins = (limited.send("POST", "/api/auth/login", json=credentials) for _ in range(8))
        return {reply.status_code for reply in await asyncio.gather(*logins)}

    assert limited.do(at_once()) == {200}
    passwords = ("wrong", PASSWORD, "wrong", PASSWORD, "wrong", PASSWORD)
    replies = [log_in_from(limited, HERE, password).status_code for password in passwords]
    assert replies == [401, 200, 401, 200, 401, 429]


def test_a_right_guess_that_was_under_way_is_not_answered_after_too_many_wrong_ones(
    limited: Lattice, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifying, done = asyncio.Event(), asyncio.Event()

    async def verify(_: Passwords, password: str, __: str) -> bool:
        if password == PASSWORD:
            verifying.set()
            await done.wait()
        return password == PASSWORD

    async def guess(password: str) -> int:
        credentials = {"email": "ada@example.com", "password": password}
        return (await limited.send("POST", "/api/auth/login", json=credentials)).status_code

    async def scenario() -> list[int]:
        right = asyncio.create_task(guess(PASSWORD))
        await verifying.wait()
        wrong = [await guess("wrong") for _ in range(3)]
        done.set()
        return [*wrong, await right]

    monkeypatch.setattr(Passwords, "verify", verify)
    assert limited.do(scenario()) == [401, 401, 401, 429]


def test_an_access_token_frees_nobody_from_waiting(limited: Lattice) -> None:
    token = limited.log_in().access_token
    guesses = [log_in_from(limited, HERE, "wrong", token=token).status_code for _ in range(4)]
    assert guesses == [401, 401, 401, 429]


def test_taken_addresses_cannot_be_tried_out_at_will(
    lattice_with: Callable[..., Lattice],
) -> None:
    lattice = lattice_with(login_limit_address=2)

    def register(name: str, address: str = HERE) -> int:
        registration: dict[str, Any] = {
            "email": f"{name}@example.com",
            "password": PASSWORD,
            "tenant_name": name,
        }
        return ask_from(lattice, address, "/api/auth/register", **registration).status_code

    assert [register("ada"), register("bob")] == [201, 201]
    assert [register("ada"), register("ADA"), register("bob"), register("eve")] == [
        *[409, 409],
        *[429, 429],
    ]
    assert register("eve", ELSEWHERE) == 201


def test_one_network_of_ipv6_is_one_address(limited: Lattice) -> None:
    guesses = [
        log_in_from(limited, f"2001:db8:1:2::{number}", "wrong").status_code for number in range(4)
    ]
    assert guesses == [401, 401, 401, 429]
    assert log_in_from(limited, "2001:db8:1:3::1", PASSWORD).status_code == 200
