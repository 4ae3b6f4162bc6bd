"""Lattice inside the test's process, spoken to over ASGI and from ordinary functions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
from lattice.app import create_app
from lattice.database import EVERY_TENANT, Database
from lattice.settings import Settings
from sqlalchemy import Executable

T = TypeVar("T")
Send = Callable[..., Awaitable[httpx2.Response]]

PASSWORD = "correct horse battery staple"
# A hash at production cost takes as long as a whole test.
CHEAP_PASSWORDS = {"password_time_cost": 1, "password_memory_kib": 8, "password_lanes": 1}


@dataclass(frozen=True)
class Account:
    """What a registration or a login gave."""

    access_token: str
    refresh_token: str
    user: dict[str, Any]
    tenant: dict[str, Any]


class Lattice:
    """One application with a database of its own and its background work, while the block lasts."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_app(settings)
        self._runner = asyncio.Runner()
        self._running = self.app.router.lifespan_context(self.app)
        self.client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self.app), base_url="http://lattice"
        )

    def __enter__(self) -> Self:
        self.do(self._running.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.do(self.client.aclose())
        self.do(self._running.__aexit__(None, None, None))
        self._runner.close()

    @property
    def database(self) -> Database:
        """Its database."""
        database: Database = self.app.state.database
        return database

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the application's event loop."""
        return self._runner.run(work)

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[Send]:
        """Run a second application over the same data; gives what sends it one request."""
        app = create_app(self.app.state.settings)
        transport = httpx2.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://beside") as client,
        ):
            yield partial(_send, client)

    def execute(self, statement: Executable) -> list[Any]:
        """Execute a statement in a transaction of its own; returns its rows."""

        async def execute() -> list[Any]:
            async with self.database.writing(EVERY_TENANT) as connection:
                result = await connection.execute(statement)
                return list(result) if result.returns_rows else []

        return self.do(execute())

    async def send(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> httpx2.Response:
        """Send one request, for scenarios with several at once."""
        return await _send(self.client, method, path, token=token, headers=headers, **content)

    def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> httpx2.Response:
        """Send one request, with a token if there is one, and return the reply."""
        return self.do(self.send(method, path, token=token, headers=headers, **content))

    def register(self, name: str = "ada", headers: Mapping[str, str] | None = None) -> Account:
        """Register `name@example.com`, with a tenant of its own."""
        registration = {
            "email": f"{name}@example.com",
            "password": PASSWORD,
            "tenant_name": f"{name}'s",
        }
        return _account(
            self.ask("POST", "/api/auth/register", json=registration, headers=headers), 201
        )

    def log_in(self, name: str = "ada", password: str = PASSWORD) -> Account:
        """Log `name@example.com` in."""
        credentials = {"email": f"{name}@example.com", "password": password}
        return _account(self.ask("POST", "/api/auth/login", json=credentials), 200)


async def _send(
    client: httpx2.AsyncClient,
    method: str,
    path: str,
    *,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
    **content: Any,
) -> httpx2.Response:
    bearer = {"Authorization": f"Bearer {token}"} if token else {}
    return await client.request(method, path, headers=bearer | dict(headers or {}), **content)


def _account(reply: httpx2.Response, status: int) -> Account:
    assert reply.status_code == status, reply.text
    members = reply.json()
    return Account(
        members["access_token"], members["refresh_token"], members["user"], members["tenant"]
    )


def assert_problem(reply: httpx2.Response, status: int) -> dict[str, Any]:
    """Demand a problem document with this status and a detail; returns its members."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    members: dict[str, Any] = reply.json()
    assert members["type"]
    assert members["title"]
    assert members["status"] == status
    assert isinstance(members["detail"], str)
    assert members["detail"]
    return members
