"""Lattice for its tests: in this process, or as the real server that people start."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import httpx2
import pytest
from fastapi import FastAPI
from lattice.app import create_app
from lattice.settings import Settings

T = TypeVar("T")

PASSWORD = "correct horse battery staple"
# A hash at production cost takes as long as a whole test.
CHEAP_PASSWORDS = {
    "password_time_cost": 1,
    "password_memory_kib": 8,
    "password_lanes": 1,
}


class Lattice:
    """The application in this process, spoken to over ASGI."""

    def __init__(self, app: FastAPI, client: httpx2.AsyncClient) -> None:
        self.app = app
        self.client = client

    async def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        json: object = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        """Send one request, with a token if there is one."""
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.client.request(method, path, json=json, headers=bearer | (headers or {}))

    async def register(self, name: str = "ada", **headers: str) -> dict[str, object]:
        """Register `name@example.com`; returns the reply's members."""
        reply = await self.ask(
            "POST",
            "/api/auth/register",
            json={
                "email": f"{name}@example.com",
                "password": PASSWORD,
                "tenant_name": f"{name}'s",
            },
            headers=headers,
        )
        assert reply.status_code == 201, reply.text
        members: dict[str, object] = reply.json()
        return members

    async def token(self, name: str = "ada") -> str:
        """Register and return the access token."""
        return str((await self.register(name))["access_token"])


class Run(Protocol):
    """Runs a scenario against an application with these settings."""

    def __call__(self, scenario: Callable[[Lattice], Awaitable[T]], **settings: object) -> T: ...


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Lattice]:
    """Run the application in this process while the block lasts."""
    app = create_app(settings)
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://lattice") as client,
    ):
        yield Lattice(app, client)


@pytest.fixture
def settings_with(tmp_path: Path) -> Callable[..., Settings]:
    """Settings for a test: its own database, cheap passwords, and what is given."""

    def make(**given: object) -> Settings:
        url = f"sqlite:///{tmp_path}/lattice.db"
        return Settings.model_validate({"dev": True, "database_url": url} | CHEAP_PASSWORDS | given)

    return make


@pytest.fixture
def run(settings_with: Callable[..., Settings]) -> Run:
    """Run an asynchronous scenario against the application in this process."""

    def run_scenario(scenario: Callable[[Lattice], Awaitable[T]], **settings: object) -> T:
        async def play() -> T:
            async with running(settings_with(**settings)) as lattice:
                return await scenario(lattice)

        return asyncio.run(play())

    return run_scenario
