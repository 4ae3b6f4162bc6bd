"""What an OpenAPI document declares."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from smokegate.audit.contract import Contract, contract_of
from smokegate.engine import Plan
from smokegate.errors import UsageError

ITEM = {"type": "object", "properties": {"id": {"type": "string"}, "tags": {"type": "array"}}}
PAGE = {
    "allOf": [
        {"type": "object", "properties": {"total": {"type": "integer"}}},
        {"type": "object", "properties": {"items": {"type": "array", "items": {"$ref": "#/x/I"}}}},
    ]
}
DOCUMENT = {
    "openapi": "3.1.0",
    "x": {"I": ITEM},
    "paths": {
        "/items": {
            "get": {"responses": {"200": {"content": {"application/json": {"schema": PAGE}}}}}
        },
        "/items/{item_id}": {
            "get": {
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/x/I"}}}},
                    "404": {"content": {"application/problem+json": {"schema": {}}}},
                }
            }
        },
        "/loop": {
            "get": {
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/x/loop"}}}}
                }
            }
        },
    },
}


@pytest.mark.parametrize(
    ("endpoint", "group", "path", "is_declared"),
    [
        ("GET /items/{}", "success", ("id",), True),
        ("GET /items/{}", "success", ("secret",), False),
        ("GET /items/{}", "success", ("tags", "*"), True),
        ("GET /items/{}", "refusal", ("anything",), True),
        ("GET /items", "success", ("total",), True),
        ("GET /items", "success", ("items", "*", "id"), True),
        ("GET /items", "success", ("items", 0, "secret"), False),
        ("GET /elsewhere", "success", ("anything",), True),
        ("GET /loop", "success", ("anything",), True),
    ],
)
def test_what_is_declared(
    endpoint: str, group: str, path: tuple[Any, ...], is_declared: bool
) -> None:
    assert Contract(DOCUMENT).declares(endpoint, group, path) is is_declared


def test_the_path_of_the_server_stands_before_the_others() -> None:
    there = Contract({**DOCUMENT, "servers": [{"url": "https://a.example/v2/"}]})
    assert not there.declares("GET /v2/items/{}", "success", ("secret",))
    assert there.declares("GET /items/{}", "success", ("secret",))


@pytest.mark.parametrize("schema", [{"allOf": 5}, {"allOf": None}, {"prefixItems": [{}]}])
def test_what_is_put_together_oddly_leaves_everything_declared(schema: dict[str, Any]) -> None:
    content = {"application/json": {"schema": schema}}
    paths = {"/a": {"get": {"responses": {"200": {"content": content}}}}}
    assert Contract({"paths": paths}).declares("GET /a", "success", (0, "x"))


@pytest.mark.parametrize(
    "broken",
    [{}, {"paths": 7}, {"paths": {"/a": 1}}, {"paths": {"/a": {"get": {"responses": []}}}}],
)
def test_a_broken_document_declares_nothing(broken: dict[str, Any]) -> None:
    assert Contract(broken).declares("GET /a", "success", ("x",))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"openapi": "2.0"}', "[" * 100_000])
def test_what_is_no_document_is_refused_in_one_line(content: str, tmp_path: Path) -> None:
    file = tmp_path / "it.json"
    file.write_text(content)
    plan = cast("Plan", type("P", (), {"checks": []}))
    with pytest.raises(UsageError, match="OpenAPI") as caught:
        contract_of(plan, str(file))
    assert "\n" not in str(caught.value)
    assert contract_of(plan, "") is None
