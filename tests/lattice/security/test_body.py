import json
from collections.abc import AsyncIterator, Callable

import pytest

from tests.lattice.in_process import Lattice, assert_problem

LIMIT_BYTES = 1000
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def lattice(lattice_with: Callable[..., Lattice]) -> Lattice:
    return lattice_with(body_limit_bytes=LIMIT_BYTES)


def body_of(size_bytes: int) -> bytes:
    """A login of nobody, filled up with spaces."""
    login = json.dumps({"email": "nobody@example.com", "password": "x"}).encode()
    return login.ljust(size_bytes)


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 300):
        yield body[start : start + 300]


@pytest.mark.parametrize(("size_bytes", "status"), [(LIMIT_BYTES, 401), (LIMIT_BYTES + 1, 413)])
def test_a_body_is_taken_up_to_the_limit(lattice: Lattice, size_bytes: int, status: int) -> None:
    whole = lattice.ask("POST", "/api/auth/login", headers=JSON, content=body_of(size_bytes))
    problem = assert_problem(whole, status)
    assert (str(LIMIT_BYTES) in problem["detail"]) == (status == 413)
    pieces = lattice.ask(
        "POST", "/api/auth/login", headers=JSON, content=in_pieces(body_of(size_bytes))
    )
    assert "content-length" not in pieces.request.headers
    assert_problem(pieces, status)


def test_what_is_declared_too_large_is_not_even_read(lattice: Lattice) -> None:
    headers = JSON | {"Content-Length": str(10**12)}

    async def never() -> AsyncIterator[bytes]:
        raise AssertionError
        yield b""

    reply = lattice.ask("POST", "/api/auth/login", headers=headers, content=never())
    assert_problem(reply, 413)
