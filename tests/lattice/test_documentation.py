import re
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest

from tests.lattice.in_process import Lattice

PROBLEM = {"$ref": "#/components/schemas/Problem"}


@pytest.fixture
def description(lattice: Lattice) -> dict[str, Any]:
    reply = lattice.ask("GET", "/openapi.json")
    assert reply.status_code == 200
    described: dict[str, Any] = reply.json()
    return described


def operations(description: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    }


def test_every_route_is_described(description: dict[str, Any]) -> None:
    described = operations(description)
    assert "POST /api/auth/register" in described
    for name, operation in described.items():
        assert operation["summary"], name
        assert operation["description"], name
        assert len(operation["tags"]) == 1, name
    names = [operation["operationId"] for operation in described.values()]
    assert len(names) == len(set(names))


def test_every_error_is_described_as_a_problem(description: dict[str, Any]) -> None:
    for name, operation in operations(description).items():
        assert "default" in operation["responses"], name
        for status, response in operation["responses"].items():
            if status[0] in "45" and name != "GET /health":
                content = response["content"]["application/problem+json"]
                assert content["schema"] == PROBLEM, (name, status)
                assert content["example"]["status"] == int(status)
            if status.startswith("4") or status == "default":
                assert "application/json" not in response["content"], (name, status)


def test_errors_that_follow_from_what_a_route_takes_are_there(
    description: dict[str, Any],
) -> None:
    described = operations(description)
    register = set(described["POST /api/auth/register"]["responses"])
    assert register == {"201", "202", "400", "408", "409", "413", "422", "429", "default"}
    rename = set(described["PATCH /api/tenants/{tenant_id}"]["responses"])
    assert rename == {"200", "400", "401", "403", "404", "408", "413", "422", "429", "default"}
    assert set(described["GET /version"]["responses"]) == {"200", "default"}
    for name, operation in described.items():
        assert ("401" in operation["responses"]) >= ("security" in operation), name


def test_whatever_is_referred_to_is_there(description: dict[str, Any]) -> None:
    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*(references(part) for part in value.values()))
        parts = value if isinstance(value, list) else []
        return set().union(*(references(part) for part in parts))

    schemas = description["components"]["schemas"]
    for reference in references(description):
        assert reference.removeprefix("#/components/schemas/") in schemas
    assert "HTTPValidationError" not in schemas


def test_every_field_of_a_request_has_an_example_or_a_description(
    description: dict[str, Any],
) -> None:
    for name in ("Registration", "Credentials", "Refreshing", "TenantChange"):
        for field, schema in description["components"]["schemas"][name]["properties"].items():
            assert schema.get("examples") or schema.get("description"), (name, field)


def test_the_page_says_something_without_its_scripts(lattice: Lattice) -> None:
    page = lattice.ask("GET", "/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "/api/auth/register" in page.text
    assert 'href="/openapi.json"' in page.text


def test_the_page_may_run_its_own_scripts_and_no_others(lattice: Lattice) -> None:
    page = lattice.ask("GET", "/docs")
    policy = dict(
        part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe-inline" not in policy["script-src"]
    inline = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    assert inline
    for script in inline:
        digest = b64encode(sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy["script-src"]
    for source in re.findall(r'(?:src|href)="(https://[^/"]+)', page.text):
        assert source in policy["script-src"] + policy["style-src"]


def test_what_fields_hold_is_told_as_far_as_a_schema_can(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    assert schemas["NewWebhook"]["properties"]["events"]["uniqueItems"] is True
    assert schemas["Registration"]["properties"]["email"]["format"] == "idn-email"
