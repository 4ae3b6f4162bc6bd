import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import HTTPException
from sqlalchemy import text
from starlette.responses import StreamingResponse
from structlog.testing import capture_logs

from tests.lattice.in_process import PASSWORD, Lattice, assert_problem

JSON = {"Content-Type": "application/json"}
LOGIN = "/api/auth/login"


def test_an_unknown_path_is_a_problem(lattice: Lattice) -> None:
    problem = assert_problem(lattice.ask("GET", "/no/such/path"), 404)
    assert "/no/such/path" in problem["detail"]


@pytest.mark.parametrize("path", ["/health/", "/api/tenants/", "/api/auth//me"])
def test_nothing_is_redirected(lattice: Lattice, path: str) -> None:
    assert_problem(lattice.ask("GET", path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/health", "GET"),
        ("PUT", "/api/auth/me", "DELETE, GET"),
        ("DELETE", "/api/tenants/x", "GET, PATCH"),
        ("GET", LOGIN, "POST"),
        ("OPTIONS", "/api/lattices/bulk", "POST"),
        ("BREW", LOGIN, "POST"),
    ],
)
def test_a_wrong_method_is_told_all_that_are_allowed(
    lattice: Lattice, method: str, path: str, allowed: str
) -> None:
    reply = lattice.ask(method, path)
    assert_problem(reply, 405)
    assert reply.headers["allow"] == allowed


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"email": NaN}',
        b'{"email": "\\ud800@example.com", "password": "x"}',
        b'{"email": 1' + b"0" * 5000 + b', "password": "x"}',
        b"[" * 100_000,
        b'{"email": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001,
        b'{"email": "a\\u0000@example.com", "password": "\\u0000"}',
    ],
    ids=lambda body: body[:16].decode("latin-1"),
)
@pytest.mark.parametrize("path", [LOGIN, "/api/auth/register", "/api/auth/refresh"])
def test_no_body_makes_the_service_fail(lattice: Lattice, path: str, body: bytes) -> None:
    reply = lattice.ask("POST", path, headers=JSON, content=body)
    assert reply.status_code in {400, 401, 422}, reply.text
    assert_problem(reply, reply.status_code)
    assert "Traceback" not in reply.text


def test_a_body_that_is_not_json_is_said_to_be_none(lattice: Lattice) -> None:
    problem = assert_problem(lattice.ask("POST", LOGIN, headers=JSON, content=b"{"), 400)
    assert "JSON" in problem["detail"]


def test_a_body_of_another_type_is_refused(lattice: Lattice) -> None:
    headers = {"Content-Type": "text/plain"}
    body = b'{"email": "a@example.com", "password": "x"}'
    problem = assert_problem(lattice.ask("POST", LOGIN, headers=headers, content=body), 422)
    assert problem["errors"][0]["field"] == "body"


def test_a_field_inside_another_is_named_with_its_way(lattice: Lattice) -> None:
    problem = assert_problem(lattice.ask("POST", LOGIN, json={"email": []}), 422)
    assert {error["field"] for error in problem["errors"]} == {"email", "password"}
    assert all(error["detail"] for error in problem["errors"])


def test_our_own_words_stand_alone(lattice: Lattice) -> None:
    registration = {"email": "no address", "password": "long enough", "tenant_name": "Ada's"}
    reply = lattice.ask("POST", "/api/auth/register", json=registration)
    (error,) = assert_problem(reply, 422)["errors"]
    assert error["field"] == "email"
    assert not error["detail"].startswith("Value error")


def test_what_nothing_has_caught_is_logged_and_tells_nothing(lattice: Lattice) -> None:
    @lattice.app.get("/broken", tags=["test"])
    async def broken() -> None:
        raise RuntimeError("the secret of the house")

    with capture_logs() as logs:
        reply = lattice.ask("GET", "/broken")
    assert_problem(reply, 500)
    assert "secret of the house" not in reply.text
    assert "Traceback" not in reply.text
    assert [(log["event"], log["path"]) for log in logs] == [("unexpected error", "/broken")]


@pytest.mark.parametrize("status", [418, 599])
def test_a_status_of_the_frameworks_own_is_a_problem_too(lattice: Lattice, status: int) -> None:

    @lattice.app.get("/teapot", tags=["test"])
    async def teapot() -> None:
        raise HTTPException(418, "short and stout")

    assert assert_problem(lattice.ask("GET", "/teapot"), 418)["detail"] == "short and stout"


def test_a_reply_that_has_begun_is_not_replaced(lattice: Lattice) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"begun"
        await asyncio.sleep(0)
        raise RuntimeError("in the middle")

    @lattice.app.get("/breaks", tags=["test"], response_class=StreamingResponse)
    async def breaks() -> StreamingResponse:
        return StreamingResponse(pieces())

    with pytest.raises(RuntimeError, match="in the middle"):
        lattice.ask("GET", "/breaks")


def limit_pages(lattice: Lattice, more: int) -> None:
    """Let the database grow by some pages and no further, as on a disk that is almost full."""
    ((pages,),) = lattice.execute(text("PRAGMA page_count"))
    lattice.execute(text(f"PRAGMA max_page_count = {pages + more}"))


def test_a_full_disk_is_a_problem_of_its_own_and_logged(lattice: Lattice) -> None:
    limit_pages(lattice, 0)
    registration = {"password": PASSWORD, "tenant_name": "Ada's " + 50 * "x"}
    with capture_logs() as logs:
        for number in range(100):
            body = registration | {"email": f"ada{number}@example.com"}
            reply = lattice.ask("POST", "/api/auth/register", json=body)
            if reply.status_code != 201:
                break
    assert "storage" in assert_problem(reply, 507)["detail"]
    full = {"event": "the storage is full", "log_level": "error"}
    assert full | {"method": "POST", "path": "/api/auth/register"} in logs
    limit_pages(lattice, 1_000)
    assert lattice.ask("POST", "/api/auth/register", json=body).status_code == 201


def test_other_trouble_of_the_database_is_not_told(lattice: Lattice) -> None:
    lattice.execute(text("DROP TABLE users"))
    registration = {"email": "a@example.com", "password": PASSWORD, "tenant_name": "Ada's"}
    reply = lattice.ask("POST", "/api/auth/register", json=registration)
    assert "users" not in assert_problem(reply, 500)["detail"]
