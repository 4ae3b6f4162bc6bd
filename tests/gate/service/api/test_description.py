"""The description of the API is OpenAPI, and says what the API does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from smokegate.history.remembering import opened
from smokegate.history.store import Store
from smokegate.service.access.visitors import Rules
from smokegate.service.api.description import description
from smokegate.service.api.operations import OPERATIONS
from smokegate.service.app import application
from starlette.routing import Route

from tests.gate.history.runs import failing
from tests.gate.service.conftest import TOKEN, served
from tests.gate.service.some_weeks import FALSE_ALARM

DESCRIBED: dict[str, Any] = json.loads(description())
PLACES = {"run_id": FALSE_ALARM, "check_id": "health.test_database_connection"}


def schema_of(path: str, method: str, status: str) -> dict[str, Any]:
    (content,) = DESCRIBED["paths"][path][method]["responses"][status]["content"].values()
    return {**content["schema"], "components": DESCRIBED["components"]}


def test_it_is_openapi() -> None:
    OpenAPIV31SpecValidator(DESCRIBED).validate()


def test_anybody_may_read_it(client: httpx2.Client) -> None:
    assert client.get("/api/openapi.json").json() == DESCRIBED


def test_every_route_is_described_and_nothing_else(empty: Store) -> None:
    routes = [each for each in application(empty).routes if isinstance(each, Route)]
    there = {
        (each.path, method.lower())
        for each in routes
        if each.path.startswith("/api/") and each.path != "/api/openapi.json"
        for method in (each.methods or set()) - {"HEAD"}
    }
    described = {(path, method) for path, those in DESCRIBED["paths"].items() for method in those}
    assert described == there


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method} {each.path}")
def test_every_operation_says_what_it_does_and_what_it_takes(operation: Any) -> None:
    told = DESCRIBED["paths"][operation.path][operation.method.lower()]
    assert told["summary"].endswith(".")
    in_path = {each["name"] for each in told["parameters"] if each["in"] == "path"}
    assert in_path == set(re.findall(r"\{(\w+)\}", operation.path))
    assert all(each["required"] for each in told["parameters"] if each["in"] == "path")
    assert ({} in told["security"]) is (operation.method == "GET")
    assert ("requestBody" in told) is (operation.given is not None)


@pytest.mark.parametrize("path", [each.path for each in OPERATIONS if each.method == "GET"])
def test_replies_are_as_described(reader: httpx2.Client, path: str) -> None:
    found = reader.get(path.format(**PLACES))
    assert found.status_code == 200
    Draft202012Validator(schema_of(path, "get", "200")).validate(found.json())
    refused = reader.get(path.format(**PLACES), params={"nothing": "1"})
    assert refused.status_code == 400
    Draft202012Validator(schema_of(path, "get", "default")).validate(refused.json())


def test_writing_replies_as_described(tmp_path: Path) -> None:
    store = opened(f"sqlite:///{tmp_path / 'history.db'}")
    store.remember(failing(1))
    given = {"label": "true-alarm"}
    with served(store, Rules(token=TOKEN)) as client:
        client.headers["authorization"] = f"Bearer {TOKEN}"
        put = client.put("/api/runs/run-000001/label", json=given).json()
        path = "/api/runs/{run_id}/label"
        Draft202012Validator(schema_of(path, "put", "200")).validate(put)
        posted = client.post("/api/deployments", json={"version": "1", "target": "https://a.b"})
        schema = schema_of("/api/deployments", "post", "201")
        Draft202012Validator(schema).validate(posted.json())
    store.close()


def test_a_reply_that_is_not_as_described_would_be_noticed(reader: httpx2.Client) -> None:
    found = reader.get("/api/runs").json()
    del found["runs"][0]["action"]
    assert not Draft202012Validator(schema_of("/api/runs", "get", "200")).is_valid(found)
