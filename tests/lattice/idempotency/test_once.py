"""One key, one thing."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from lattice.database import EVERY_TENANT, now
from lattice.idempotency.once import remove_old_keys
from lattice.idempotency.tables import idempotency_keys
from lattice.webhooks.tables import deliveries
from sqlalchemy import func, select, update

from tests.lattice.in_process import Lattice, assert_problem

KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
LATTICE = {"name": "once", "dimensions": [2, 2]}
HOOK = {"url": "http://127.0.0.1:1/", "events": ["lattice.created"]}
UNLIMITED = {"rate_limit_session": 10_000, "rate_limit_tenant": 10_000}
CREATIONS = [
    ("/api/lattices", LATTICE),
    ("/api/lattices/bulk", {"lattices": [LATTICE] * 2}),
    ("/api/webhooks", HOOK),
    ("/api/subscriptions", {"plan": "starter"}),
]


@pytest.fixture
def token(lattice: Lattice) -> str:
    return lattice.register().access_token


def rows(lattice: Lattice, path: str, token: str) -> Any:
    return lattice.ask("GET", path.removesuffix("/bulk"), token=token).json().get("total")


@pytest.mark.parametrize(("path", "body"), CREATIONS)
def test_the_second_request_is_answered_as_the_first(
    lattice: Lattice, token: str, path: str, body: object
) -> None:
    first = lattice.ask("POST", path, token=token, json=body, headers=KEY)
    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first.headers
    made = rows(lattice, path, token)
    again = lattice.ask("POST", path, token=token, json=body, headers=KEY)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    for name in ("content-type", "location"):
        assert again.headers.get(name) == first.headers.get(name)
    assert rows(lattice, path, token) == made


def test_a_test_delivery_is_queued_once(lattice: Lattice, token: str) -> None:
    path = lattice.ask("POST", "/api/webhooks", token=token, json=HOOK).headers["Location"]
    asked = [lattice.ask("POST", f"{path}/test", token=token, headers=KEY) for _ in range(2)]
    assert [reply.status_code for reply in asked] == [202, 202]
    assert asked[0].json() == asked[1].json()
    assert lattice.execute(select(func.count()).select_from(deliveries)) == [(1,)]


def test_racing_requests_with_one_key_make_one_thing(lattice_with: Callable[..., Lattice]) -> None:
    lattice = lattice_with(**UNLIMITED)
    token = lattice.register().access_token

    async def race() -> list[httpx2.Response]:
        async with lattice.beside() as beside:
            sends = [lattice.send, beside] * 25
            create = (
                send("POST", "/api/lattices", token=token, json=LATTICE, headers=KEY)
                for send in sends
            )
            return await asyncio.gather(*create)

    replies = lattice.do(race())
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.content for reply in replies}) == 1
    assert sum("Idempotent-Replayed" not in reply.headers for reply in replies) == 1
    assert rows(lattice, "/api/lattices", token) == 1
    usage = lattice.ask("GET", "/api/usage", token=token).json()["totals"]
    # Each was a call; one of them made something.
    assert (usage["calls"], usage["lattices_created"]) == (51, 1)


def test_another_request_under_the_same_key_is_refused(lattice: Lattice, token: str) -> None:
    lattice.ask("POST", "/api/lattices", token=token, json=LATTICE, headers=KEY)
    for path, body in (("/api/lattices", LATTICE | {"name": "other"}), CREATIONS[1]):
        reply = lattice.ask("POST", path, token=token, json=body, headers=KEY)
        problem = assert_problem(reply, 422)
        assert [error["field"] for error in problem["errors"]] == ["idempotency-key"]
    assert rows(lattice, "/api/lattices", token) == 1


def test_a_key_is_its_tenants_own(lattice: Lattice, token: str) -> None:
    bob = lattice.register("bob").access_token
    replies = [
        lattice.ask("POST", "/api/lattices", token=whose, json=LATTICE, headers=KEY)
        for whose in (token, bob)
    ]
    assert replies[0].json()["id"] != replies[1].json()["id"]
    assert rows(lattice, "/api/lattices", bob) == 1


def test_what_was_refused_may_be_asked_for_again(lattice: Lattice, token: str) -> None:
    wide = LATTICE | {"dimensions": [2] * 8}
    assert_problem(lattice.ask("POST", "/api/lattices", token=token, json=wide, headers=KEY), 422)
    lattice.ask("POST", "/api/subscriptions", token=token, json={"plan": "enterprise"})
    reply = lattice.ask("POST", "/api/lattices", token=token, json=wide, headers=KEY)
    assert reply.status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "with space", "a\x7f"])
def test_a_key_is_a_short_text_without_spaces(lattice: Lattice, token: str, key: str) -> None:
    headers = {"Idempotency-Key": key}
    reply = lattice.ask("POST", "/api/lattices", token=token, json=LATTICE, headers=headers)
    problem = assert_problem(reply, 422)
    assert [error["field"] for error in problem["errors"]] == ["idempotency-key"]


def test_a_key_is_kept_for_a_day(lattice: Lattice, token: str) -> None:
    lattice.ask("POST", "/api/lattices", token=token, json=LATTICE, headers=KEY)

    async def remove() -> int:
        async with lattice.database.writing(EVERY_TENANT) as connection:
            return await remove_old_keys(connection)

    assert lattice.do(remove()) == 0
    lattice.execute(update(idempotency_keys).values(created_at=now() - timedelta(days=1)))
    assert lattice.do(remove()) == 1
