import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from lattice.health import service
from sqlalchemy.exc import OperationalError

from tests.lattice.in_process import Lattice, assert_problem


def test_a_well_service_says_so_and_which_version_it_is(
    lattice_with: Callable[..., Lattice],
) -> None:
    lattice = lattice_with(version="7.8.9+abc")
    reply = lattice.ask("GET", "/health")
    assert reply.status_code == 200
    assert reply.json() == {
        "status": "healthy",
        "version": "7.8.9+abc",
        "checks": {"database": "connected", "redis": "not configured"},
    }
    assert lattice.ask("GET", "/version").json() == {"version": "7.8.9+abc"}


def test_everything_that_it_needs_is_there(lattice: Lattice) -> None:
    assert lattice.ask("GET", "/health/live").json() == {"status": "alive"}
    assert lattice.ask("GET", "/health/ready").json() == {"status": "ready"}
    assert lattice.ask("GET", "/health/database").json() == {"database": "connected"}


def fails(*_: object) -> Any:
    raise OperationalError("SELECT", {}, OSError("unable to open database file"))


async def hangs(*_: object) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("ping", [fails, hangs])
def test_a_database_that_does_not_answer_is_seen_everywhere_but_in_live(
    lattice: Lattice, monkeypatch: pytest.MonkeyPatch, ping: Any
) -> None:
    monkeypatch.setattr(service, "ANSWER_WITHIN_S", 0.05)
    monkeypatch.setattr(service, "FILE_ANSWERS_WITHIN_S", 0.05)
    monkeypatch.setattr(lattice.database, "ping", ping)
    health = lattice.ask("GET", "/health")
    assert health.status_code == 503
    assert health.json()["status"] == "unhealthy"
    assert health.json()["checks"]["database"] == "disconnected"
    assert_problem(lattice.ask("GET", "/health/ready"), 503)
    database = assert_problem(lattice.ask("GET", "/health/database"), 503)
    assert database["database"] == "disconnected"
    assert "unable to open" not in str(database)
    assert lattice.ask("GET", "/health/live").status_code == 200


def test_a_database_without_its_tables_is_not_well(lattice: Lattice) -> None:
    # Asked of the file, not of the connection alone: a query of a constant needs no database.
    lattice.do(lattice.database.ping())
    assert lattice.ask("GET", "/health/database").status_code == 200


def test_redis_is_not_configured(lattice: Lattice) -> None:
    problem = assert_problem(lattice.ask("GET", "/health/redis"), 503)
    assert problem["message"] == "Redis not configured"


@pytest.mark.parametrize("accept", ["", "*/*", "text/plain;version=0.0.4", "text/plain;version=x"])
def test_metrics_are_prometheus_text(lattice: Lattice, accept: str) -> None:
    text = lattice.ask("GET", "/metrics", headers={"Accept": accept})
    assert text.status_code == 200
    assert text.headers["content-type"].startswith("text/plain; version=")


@pytest.mark.parametrize(
    "parameters", ["", "; version=1.0.0; q=0.5", "; version=x", "; escaping=x"]
)
def test_metrics_are_openmetrics_where_that_is_asked_for(lattice: Lattice, parameters: str) -> None:
    accept = f"application/openmetrics-text{parameters}, text/plain"
    reply = lattice.ask("GET", "/metrics", headers={"Accept": accept})
    media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert reply.headers["content-type"] == media_type
    assert reply.text.endswith("# EOF\n")
