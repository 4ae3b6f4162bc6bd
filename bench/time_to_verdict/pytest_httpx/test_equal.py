"""The equal checks in pytest with httpx: one client over HTTP/2, a second one for the burst."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

URL = os.environ["PRODUCTION_URL"]
PASSWORD = "SmokeTest123!@#"
PROBLEM = "application/problem+json"
OPTIONS: dict[str, Any] = {
    "base_url": URL,
    "http2": True,
    "verify": ssl.create_default_context(cafile=os.environ["CA_FILE"]),
    "timeout": 30.0,
}

Account = tuple[str, dict[str, str]]


@pytest.fixture(scope="session")
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(**OPTIONS) as client:
        yield client


def register(http: httpx2.Client) -> Iterator[Account]:
    email = f"smoketest-{uuid4().hex}@example.com"
    wanted = {"email": email, "password": PASSWORD}
    reply = http.post("/api/auth/register", json=wanted)
    assert reply.status_code == 201
    assert reply.json()["email"] == email
    headers = {"Authorization": f"Bearer {reply.json()['access_token']}"}
    yield email, headers
    assert http.delete("/api/auth/me", headers=headers).status_code == 204


@pytest.fixture(scope="session")
def member(http: httpx2.Client) -> Iterator[Account]:
    yield from register(http)


@pytest.fixture(scope="session")
def stranger(http: httpx2.Client) -> Iterator[Account]:
    yield from register(http)


@pytest.fixture(scope="session")
def caller(http: httpx2.Client) -> Iterator[Account]:
    yield from register(http)


@pytest.fixture(scope="session")
def lattice(http: httpx2.Client, member: Account) -> Any:
    wanted: Any = {"name": "grid", "dimensions": [10, 10], "obstacles": [[5, 5]]}
    reply = http.post("/api/lattices", json=wanted, headers=member[1])
    assert reply.status_code == 201
    assert reply.json()["name"] == "grid"
    return reply.json()


def test_health(http: httpx2.Client) -> None:
    reply = http.get("/health")
    assert reply.status_code == 200
    assert reply.json()["status"] == "healthy"


def test_version(http: httpx2.Client) -> None:
    reply = http.get("/version")
    assert reply.status_code == 200
    assert reply.json()["version"] == "1.4.2"


def test_database(http: httpx2.Client) -> None:
    reply = http.get("/health/database")
    assert reply.status_code == 200
    assert reply.json()["database"] == "connected"


def test_metrics(http: httpx2.Client) -> None:
    reply = http.get("/metrics")
    assert reply.status_code == 200
    assert "text/plain" in reply.headers["Content-Type"]
    assert "http_requests_total" in reply.text


def test_openapi(http: httpx2.Client) -> None:
    reply = http.get("/openapi.json")
    assert reply.status_code == 200
    assert reply.json()["openapi"] == "3.1.0"
    assert "/health" in reply.json()["paths"]


def test_unknown_path(http: httpx2.Client) -> None:
    reply = http.get("/nowhere")
    assert reply.status_code == 404
    assert PROBLEM in reply.headers["Content-Type"]
    assert reply.json()["status"] == 404


def test_headers(http: httpx2.Client) -> None:
    reply = http.get("/health")
    assert reply.status_code == 200
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_anonymous(http: httpx2.Client) -> None:
    reply = http.get("/api/auth/me")
    assert reply.status_code == 401
    assert "Bearer" in reply.headers["WWW-Authenticate"]


def test_wrong_token(http: httpx2.Client) -> None:
    headers = {"Authorization": "Bearer made-up-token"}
    reply = http.get("/api/lattices", headers=headers)
    assert reply.status_code == 401
    assert "Bearer" in reply.headers["WWW-Authenticate"]


async def burst(headers: dict[str, str]) -> list[httpx2.Response]:
    """Two waves side by side: threads that share one HTTP/2 connection break its protocol."""
    async with httpx2.AsyncClient(**OPTIONS, headers=headers) as client:
        waves = [
            await asyncio.gather(*(client.get("/api/limited") for _ in range(75))) for _ in range(2)
        ]
    return [reply for wave in waves for reply in wave]


def test_limit(caller: Account) -> None:
    replies = asyncio.run(burst(caller[1]))
    assert Counter(reply.status_code for reply in replies) == {200: 100, 429: 50}
    assert all("Retry-After" in reply.headers for reply in replies if reply.status_code == 429)


def test_login(http: httpx2.Client, member: Account) -> None:
    wanted = {"email": member[0], "password": PASSWORD}
    reply = http.post("/api/auth/login", json=wanted)
    assert reply.status_code == 200
    assert reply.json()["token_type"] == "bearer"
    headers = {"Authorization": f"Bearer {reply.json()['access_token']}"}
    inside = http.get("/api/auth/me", headers=headers)
    assert inside.status_code == 200
    assert inside.json()["email"] == member[0]


def test_wrong_password(http: httpx2.Client, member: Account) -> None:
    wrong = {"email": member[0], "password": "wrong-password"}
    reply = http.post("/api/auth/login", json=wrong)
    assert reply.status_code == 401
    assert reply.json()["status"] == 401


def test_me(http: httpx2.Client, member: Account) -> None:
    reply = http.get("/api/auth/me", headers=member[1])
    assert reply.status_code == 200
    assert reply.json()["email"] == member[0]


def test_validation(http: httpx2.Client, member: Account) -> None:
    reply = http.post("/api/lattices", json={}, headers=member[1])
    assert reply.status_code == 422
    assert reply.json()["status"] == 422


def test_lattice(http: httpx2.Client, member: Account, lattice: Any) -> None:
    reply = http.get(f"/api/lattices/{lattice['id']}", headers=member[1])
    assert reply.status_code == 200
    assert reply.json()["name"] == "grid"
    assert reply.json()["dimensions"] == [10, 10]


def test_list(http: httpx2.Client, member: Account, lattice: Any) -> None:
    reply = http.get("/api/lattices", headers=member[1])
    assert reply.status_code == 200
    assert lattice["id"] in [each["id"] for each in reply.json()["items"]]


def test_path(http: httpx2.Client, member: Account, lattice: Any) -> None:
    wanted = {"start": [0, 0], "end": [3, 2]}
    url = f"/api/lattices/{lattice['id']}/pathfind"
    reply = http.post(url, json=wanted, headers=member[1])
    assert reply.status_code == 200
    found = reply.json()
    assert found["reachable"] is True
    assert found["length"] == 5
    assert (found["path"][0], found["path"][-1], len(found["path"])) == ([0, 0], [3, 2], 6)


def test_stranger(http: httpx2.Client, stranger: Account, lattice: Any) -> None:
    reply = http.get(f"/api/lattices/{lattice['id']}", headers=stranger[1])
    assert reply.status_code == 404
    assert reply.json()["status"] == 404


def test_removal(http: httpx2.Client, stranger: Account) -> None:
    wanted = {"name": "short-lived"}
    made = http.post("/api/lattices", json=wanted, headers=stranger[1])
    assert made.status_code == 201
    removed = http.delete(f"/api/lattices/{made.json()['id']}", headers=stranger[1])
    assert removed.status_code == 204


def test_webhook(http: httpx2.Client, member: Account) -> None:
    wanted = {"url": "https://hooks.example.com/", "events": ["lattice.created"]}
    made = http.post("/api/webhooks", json=wanted, headers=member[1])
    assert made.status_code == 201
    assert made.json()["url"] == wanted["url"]
    kept = http.get(f"/api/webhooks/{made.json()['id']}", headers=member[1])
    assert kept.status_code == 200
    assert kept.json()["events"] == ["lattice.created"]


def test_usage(http: httpx2.Client, member: Account) -> None:
    reply = http.get("/api/usage", headers=member[1])
    assert reply.status_code == 200
    assert reply.json()["totals"]["calls"] > 0
