"""Method and path template of a request."""

from __future__ import annotations

import pytest
from smokegate.audit.endpoints import endpoint_of
from smokegate.client import Request


@pytest.mark.parametrize(
    ("method", "url", "body", "endpoint"),
    [
        ("GET", "https://a.example/", None, "GET /"),
        ("GET", "https://a.example/api/v1/items?limit=3", None, "GET /api/v1/items"),
        ("GET", "https://a.example/items/17", None, "GET /items/{}"),
        (
            "PUT",
            "https://a.example/items/0b9c2f62-4a1e-4c59-9b0e-1f2d3c4b5a69/x",
            None,
            "PUT /items/{}/x",
        ),
        ("GET", "https://a.example/users/a%40b.example", None, "GET /users/{}"),
        ("GET", "https://a.example/oauth2/token", None, "GET /oauth2/token"),
        ("GET", "https://a.example/api/nothing-0a1b2c3d4e5f", None, "GET /api/{}"),
        ("POST", "https://a.example/rpc", b'{"jsonrpc":"2.0","method":"a.b"}', "POST /rpc a.b"),
        (
            "POST",
            "https://a.example/rpc",
            b'[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","method":"b"}]',
            "POST /rpc a+b",
        ),
        ("POST", "https://a.example/rpc", b'{"jsonrpc"', "POST /rpc"),
        (
            "POST",
            "https://a.example/rpc",
            b'{"jsonrpc":"2.0","method":"a.none-89229a880bb0"}',
            "POST /rpc a.none-{}",
        ),
        ("POST", "https://a.example/rpc", b'{"jsonrpc":1,"method":[1]}', "POST /rpc"),
    ],
)
def test_the_endpoint_of_a_request(
    method: str, url: str, body: bytes | None, endpoint: str
) -> None:
    assert endpoint_of(Request(method=method, url=url, headers=[], body=body)) == endpoint
