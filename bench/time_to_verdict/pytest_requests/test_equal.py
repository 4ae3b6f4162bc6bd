"""The equal checks in pytest with requests: one session, whose pool the burst's threads share."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
import requests
from requests.adapters import HTTPAdapter

URL = os.environ["PRODUCTION_URL"]
PASSWORD = "SmokeTest123!@#"
PROBLEM = "application/problem+json"
AT_ONCE = 25

Account = tuple[str, dict[str, str]]


@pytest.fixture(scope="session")
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.verify = os.environ["CA_FILE"]
        session.mount("https://", HTTPAdapter(pool_maxsize=AT_ONCE))
        yield session


def register(http: requests.Session) -> Iterator[Account]:
    email = f"smoketest-{uuid4().hex}@example.com"
    wanted = {"email": email, "password": PASSWORD}
    reply = http.post(f"{URL}/api/auth/register", json=wanted)
    assert reply.status_code == 201
    assert reply.json()["email"] == email
    headers = {"Authorization": f"Bearer {reply.json()['access_token']}"}
    yield email, headers
    assert http.delete(f"{URL}/api/auth/me", headers=headers).status_code == 204


@pytest.fixture(scope="session")
def member(http: requests.Session) -> Iterator[Account]:
    yield from register(http)


@pytest.fixture(scope="session")
def stranger(http: requests.Session) -> Iterator[Account]:
    yield from register(http)


@pytest.fixture(scope="session")
def caller(http: requests.Session) -> Iterator[Account]:
    yield from register(http)


@pytest.fixture(scope="session")
def lattice(http: requests.Session, member: Account) -> Any:
    wanted: Any = {"name": "grid", "dimensions": [10, 10], "obstacles": [[5, 5]]}
    reply = http.post(f"{URL}/api/lattices", json=wanted, headers=member[1])
    assert reply.status_code == 201
    assert reply.json()["name"] == "grid"
    return reply.json()


def test_health(http: requests.Session) -> None:
    reply = http.get(f"{URL}/health")
    assert reply.status_code == 200
    assert reply.json()["status"] == "healthy"


def test_version(http: requests.Session) -> None:
    reply = http.get(f"{URL}/version")
    assert reply.status_code == 200
    assert reply.json()["version"] == "1.4.2"


def test_database(http: requests.Session) -> None:
    reply = http.get(f"{URL}/health/database")
    assert reply.status_code == 200
    assert reply.json()["database"] == "connected"


def test_metrics(http: requests.Session) -> None:
    reply = http.get(f"{URL}/metrics")
    assert reply.status_code == 200
    assert "text/plain" in reply.headers["Content-Type"]
    assert "http_requests_total" in reply.text


def test_openapi(http: requests.Session) -> None:
    reply = http.get(f"{URL}/openapi.json")
    assert reply.status_code == 200
    assert reply.json()["openapi"] == "3.1.0"
    assert "/health" in reply.json()["paths"]


def test_unknown_path(http: requests.Session) -> None:
    reply = http.get(f"{URL}/nowhere")
    assert reply.status_code == 404
    assert PROBLEM in reply.headers["Content-Type"]
    assert reply.json()["status"] == 404


def test_headers(http: requests.Session) -> None:
    reply = http.get(f"{URL}/health")
    assert reply.status_code == 200
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_anonymous(http: requests.Session) -> None:
    reply = http.get(f"{URL}/api/auth/me")
    assert reply.status_code == 401
    assert "Bearer" in reply.headers["WWW-Authenticate"]


def test_wrong_token(http: requests.Session) -> None:
    headers = {"Authorization": "Bearer made-up-token"}
    reply = http.get(f"{URL}/api/lattices", headers=headers)
    assert reply.status_code == 401
    assert "Bearer" in reply.headers["WWW-Authenticate"]


def test_limit(http: requests.Session, caller: Account) -> None:
    def call(_: int) -> requests.Response:
        return http.get(f"{URL}/api/limited", headers=caller[1])

    with ThreadPoolExecutor(AT_ONCE) as threads:
        replies = list(threads.map(call, range(150)))
    assert Counter(reply.status_code for reply in replies) == {200: 100, 429: 50}
    assert all("Retry-After" in reply.headers for reply in replies if reply.status_code == 429)


def test_login(http: requests.Session, member: Account) -> None:
    wanted = {"email": member[0], "password": PASSWORD}
    reply = http.post(f"{URL}/api/auth/login", json=wanted)
    assert reply.status_code == 200
    assert reply.json()["token_type"] == "bearer"
    headers = {"Authorization": f"Bearer {reply.json()['access_token']}"}
    inside = http.get(f"{URL}/api/auth/me", headers=headers)
    assert inside.status_code == 200
    assert inside.json()["email"] == member[0]


def test_wrong_password(http: requests.Session, member: Account) -> None:
    wrong = {"email": member[0], "password": "wrong-password"}
    reply = http.post(f"{URL}/api/auth/login", json=wrong)
    assert reply.status_code == 401
    assert reply.json()["status"] == 401


def test_me(http: requests.Session, member: Account) -> None:
    reply = http.get(f"{URL}/api/auth/me", headers=member[1])
    assert reply.status_code == 200
    assert reply.json()["email"] == member[0]


def test_validation(http: requests.Session, member: Account) -> None:
    reply = http.post(f"{URL}/api/lattices", json={}, headers=member[1])
    assert reply.status_code == 422
    assert reply.json()["status"] == 422


def test_lattice(http: requests.Session, member: Account, lattice: Any) -> None:
    reply = http.get(f"{URL}/api/lattices/{lattice['id']}", headers=member[1])
    assert reply.status_code == 200
    assert reply.json()["name"] == "grid"
    assert reply.json()["dimensions"] == [10, 10]


def test_list(http: requests.Session, member: Account, lattice: Any) -> None:
    reply = http.get(f"{URL}/api/lattices", headers=member[1])
    assert reply.status_code == 200
    assert lattice["id"] in [each["id"] for each in reply.json()["items"]]


def test_path(http: requests.Session, member: Account, lattice: Any) -> None:
    wanted = {"start": [0, 0], "end": [3, 2]}
    url = f"{URL}/api/lattices/{lattice['id']}/pathfind"
    reply = http.post(url, json=wanted, headers=member[1])
    assert reply.status_code == 200
    found = reply.json()
    assert found["reachable"] is True
    assert found["length"] == 5
    assert (found["path"][0], found["path"][-1], len(found["path"])) == ([0, 0], [3, 2], 6)


def test_stranger(http: requests.Session, stranger: Account, lattice: Any) -> None:
    reply = http.get(f"{URL}/api/lattices/{lattice['id']}", headers=stranger[1])
    assert reply.status_code == 404
    assert reply.json()["status"] == 404


def test_removal(http: requests.Session, stranger: Account) -> None:
    wanted = {"name": "short-lived"}
    made = http.post(f"{URL}/api/lattices", json=wanted, headers=stranger[1])
    assert made.status_code == 201
    removed = http.delete(f"{URL}/api/lattices/{made.json()['id']}", headers=stranger[1])
    assert removed.status_code == 204


def test_webhook(http: requests.Session, member: Account) -> None:
    wanted = {"url": "https://hooks.example.com/", "events": ["lattice.created"]}
    made = http.post(f"{URL}/api/webhooks", json=wanted, headers=member[1])
    assert made.status_code == 201
    assert made.json()["url"] == wanted["url"]
    kept = http.get(f"{URL}/api/webhooks/{made.json()['id']}", headers=member[1])
    assert kept.status_code == 200
    assert kept.json()["events"] == ["lattice.created"]


def test_usage(http: requests.Session, member: Account) -> None:
    reply = http.get(f"{URL}/api/usage", headers=member[1])
    assert reply.status_code == 200
    assert reply.json()["totals"]["calls"] > 0
