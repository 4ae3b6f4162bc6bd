import httpx2
import pytest
from lattice.security.headers import STRICT_TRANSPORT_SECURITY

from tests.lattice.in_process import Lattice

REQUESTS = [
    ("GET", "/health", 200),
    ("GET", "/docs", 200),
    ("GET", "/nope", 404),
    ("PUT", "/health", 405),
    ("GET", "/api/auth/me", 401),
    ("GET", "/broken", 500),
]


@pytest.fixture
def lattice(lattice: Lattice) -> Lattice:
    @lattice.app.get("/broken", tags=["test"])
    async def broken() -> None:
        raise RuntimeError

    return lattice


@pytest.mark.parametrize(("method", "path", "status"), REQUESTS)
def test_every_reply_is_protected(lattice: Lattice, method: str, path: str, status: int) -> None:
    reply = lattice.ask(method, path)
    assert reply.status_code == status
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["x-frame-options"] == "DENY"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert "camera=()" in reply.headers["permissions-policy"]
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/health", "/nope", "/openapi.json", "/metrics", "/docs/x"])
def test_only_the_documentation_may_load_anything(lattice: Lattice, path: str) -> None:
    policy = lattice.ask("GET", path).headers["content-security-policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize(("method", "path", "status"), REQUESTS)
def test_strict_transport_is_demanded_over_tls_only(
    lattice: Lattice, method: str, path: str, status: int
) -> None:
    name = "strict-transport-security"
    assert name not in lattice.ask(method, path).headers
    lattice.client = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(lattice.app), base_url="https://lattice"
    )
    assert lattice.ask(method, path).headers[name] == STRICT_TRANSPORT_SECURITY
