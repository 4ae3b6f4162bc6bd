import pytest

from tests.lattice.in_process import Lattice

LOCAL, FOREIGN = "http://localhost:3000", "https://evil.example"
PREFLIGHT = {"Access-Control-Request-Method": "PATCH"}


def cors_headers(headers: dict[str, str]) -> list[str]:
    return [name for name in headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/api/auth/me", 401),
        ("GET", "/nope", 404),
        ("PUT", "/health", 405),
        ("POST", "/api/auth/login", 422),
        ("GET", "/broken", 500),
    ],
)
def test_an_allowed_origin_reads_every_reply(
    lattice: Lattice, method: str, path: str, status: int
) -> None:
    @lattice.app.get("/broken", tags=["test"])
    async def broken() -> None:
        raise RuntimeError

    reply = lattice.ask(method, path, headers={"Origin": LOCAL})
    assert reply.status_code == status
    assert reply.headers["access-control-allow-origin"] == LOCAL
    assert reply.headers["access-control-allow-credentials"] == "true"
    assert "Retry-After" in reply.headers["access-control-expose-headers"]
    assert "Origin" in reply.headers["vary"]
    foreign = lattice.ask(method, path, headers={"Origin": FOREIGN})
    assert foreign.status_code == status
    assert cors_headers(dict(foreign.headers)) == []
    assert "Origin" in foreign.headers["vary"]


def test_a_refusal_for_too_many_requests_can_be_read(lattice: Lattice) -> None:
    for _ in range(101):
        reply = lattice.ask("GET", "/nope", headers={"Origin": LOCAL})
    assert reply.status_code == 429
    assert reply.headers["access-control-allow-origin"] == LOCAL


def test_a_preflight_of_an_allowed_origin_is_answered(lattice: Lattice) -> None:
    reply = lattice.ask("OPTIONS", "/api/tenants/x", headers=PREFLIGHT | {"Origin": LOCAL})
    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == LOCAL
    assert reply.headers["access-control-allow-credentials"] == "true"
    assert "PATCH" in reply.headers["access-control-allow-methods"]
    assert "Authorization" in reply.headers["access-control-allow-headers"]
    assert int(reply.headers["access-control-max-age"]) > 0


@pytest.mark.parametrize(
    "origin",
    [
        FOREIGN,
        "null",
        LOCAL + ".evil.example",
        "https://localhost:3000",
        LOCAL.upper(),
        LOCAL + "/",
    ],
)
def test_a_preflight_of_another_origin_gets_nothing(lattice: Lattice, origin: str) -> None:
    reply = lattice.ask("OPTIONS", "/api/tenants/x", headers=PREFLIGHT | {"Origin": origin})
    assert reply.status_code == 403
    assert cors_headers(dict(reply.headers)) == []


def test_a_call_that_is_not_from_a_page_gets_no_cors_headers(lattice: Lattice) -> None:
    assert cors_headers(dict(lattice.ask("GET", "/health").headers)) == []


def test_options_without_a_preflight_is_an_ordinary_request(lattice: Lattice) -> None:
    reply = lattice.ask("OPTIONS", "/health", headers={"Origin": LOCAL})
    assert reply.status_code == 405
    assert reply.headers["allow"] == "GET"
