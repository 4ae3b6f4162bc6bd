"""What is drafted from a description: the critical paths, and why the rest is left out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gate.scaffold.drafting import (
    HEALTH,
    NEW_THING,
    THING,
    THINGS,
    WORKFLOWS,
    Drafted,
    answered,
    described,
    takes,
)

BEARER = {"components": {"securitySchemes": {"b": {"type": "http", "scheme": "bearer"}}}}
FLOW = '''\
async def test_things_flow(self, client: Client) -> None:
        """A thing is made, read, listed and removed.

        Drafted from: POST /things
        Drafted from: GET /things/{thing_id}
        Drafted from: GET /things
        Drafted from: DELETE /things/{thing_id}
        """
        sent: dict[str, Any] = {
            "name": client.unique("smoke"),
            "size": 3,
            "kind": "round",
        }
        created = await client.post("/things", json=sent)
        expect(created).status(201)
        thing_id = created.read(str, "id")
        try:
            created.read(ThingMade)
            kept = await client.get(f"/things/{thing_id}", fresh=True)
            expect(kept).status(200).json("name", equals=sent["name"])
            expect(kept).json("size", equals=sent["size"])
            kept.read(ThingRead)
            listed = await client.get("/things")
            expect(listed).status(200)
        finally:
            removed = await client.delete(f"/things/{thing_id}")
        expect(removed).status(204)
        gone = await client.get(f"/things/{thing_id}", fresh=True)
        expect(gone).status(404)'''

OWN = """\
import smokegate
from smokegate import expect


class TestMine(smokegate.WorkflowSuite):
    async def test_get_plans(self, client):
        pass


LAST = 1
"""


def get(responses: Any = None, **more: Any) -> dict[str, Any]:
    return {"get": {"responses": responses or answered({"type": "object"}), **more}}


def test_what_can_be_made_and_removed_is_a_workflow(project: Drafted) -> None:
    project.from_openapi(described(THINGS))
    assert project.check("test_things_flow") == FLOW
    assert "    id: str\n    name: str\n" in project.text("contract.py")


def test_a_second_run_adds_only_what_is_new(project: Drafted) -> None:
    project.from_openapi(described(THINGS))
    edited = project.text(WORKFLOWS).replace("test_things_flow", "test_of_my_own")
    edited = edited.replace('"size": 3', '"size": 77')
    (project.suites / WORKFLOWS).write_text(edited)
    before = project.python
    told = project.from_openapi(described(THINGS))
    assert project.python == before
    assert any("nothing new" in line for line in told)

    more = {"/plans": get(summary="List plans"), "/health": get()}
    told = project.from_openapi(described(THINGS | more))
    assert "added 1 check" in next(line for line in told if WORKFLOWS in line)
    assert project.text(WORKFLOWS).startswith(edited.rstrip("\n"))
    assert '"/plans"' in project.check("test_get_plans")
    assert '"/health"' in project.check("test_get_health", HEALTH)
    before = project.python
    project.from_openapi(described(THINGS | more))
    assert project.python == before


def test_checks_go_into_the_suite_of_a_file_that_a_person_wrote(project: Drafted) -> None:
    project.suites.mkdir(parents=True)
    (project.suites / WORKFLOWS).write_bytes(OWN.replace("\n", "\r\n").encode())
    project.from_openapi(described({"/plans": get(), "/things": get()}))
    text = (project.suites / WORKFLOWS).read_bytes().decode()
    assert text.count("class ") == 1
    assert text.count("\n") == text.count("\r\n")
    assert project.check("test_get_plans_2")
    assert text.index("test_get_things") < text.index("LAST = 1")
    assert "from smokegate import Client\r\n" in text


def test_what_tells_a_thing_is_what_its_path_asks_for(project: Drafted) -> None:
    thing = {"properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}
    paths = {
        "/pools": {"post": {"responses": answered(thing)}},
        "/pools/{pool_name}": {
            "get": {"responses": answered()},
            "delete": {"responses": {"202": {}}},
        },
        "/keys": {"post": {"requestBody": takes(NEW_THING), "responses": answered()}},
        "/keys/{name}": {"delete": {"responses": answered()}},
    }
    project.from_openapi(described(paths))
    text = project.check("test_pools_flow")
    assert 'pool_id = created.read(str, "name")' in text
    assert "gone" not in text
    assert 'key_id = sent["name"]' in project.check("test_keys_flow")


def test_strangers_are_refused_where_credentials_are_needed(project: Drafted) -> None:
    secured = get({**answered({"type": "object"}), "403": {"description": "No."}})
    open_one = get(security=[])
    document = described({"/a": secured, "/b": get(), "/c": open_one}, security=[{"b": []}])
    project.from_openapi(document | BEARER)
    text = project.check("test_closed_to_strangers", HEALTH)
    assert 'paths = ("/a", "/b")' in text
    assert "expect(reply).status(401, 403)" in text
    assert "self._signed_in(client)" in project.check("test_get_a")
    assert "self._signed_in(client)" not in project.check("test_get_c")


@pytest.mark.parametrize(
    ("scheme", "header", "setting"),
    [
        (
            {"type": "apiKey", "in": "header", "name": "X-Key"},
            '{"X-Key": self.api_key}',
            "API_KEY",
        ),
        (
            {"type": "http", "scheme": "basic"},
            '{"Authorization": f"Basic {self.api_credentials}"}',
            "API_CREDENTIALS",
        ),
    ],
)
def test_a_key_comes_from_a_setting(
    project: Drafted, scheme: Any, header: str, setting: str
) -> None:
    components = {"securitySchemes": {"s": scheme}}
    document = described({"/a": get()}, security=[{"s": []}], components=components)
    assert project.from_openapi(document)[-1] == f"to be set: SMOKEGATE_{setting}"
    assert f"return {header}" in project.text(WORKFLOWS)
    assert 'client.get("/a", headers=keys)' in project.check("test_get_a")


def test_the_service_says_where_it_is_and_which_version_it_is(project: Drafted) -> None:
    version = {"type": "object", "properties": {"version": {"type": "string"}}}
    paths = {"/health": get(answered(version)), "/health/redis": get(), "/version": get()}
    servers = [{"url": "https://shop.example/v1"}]
    told = project.from_openapi(described(paths, servers=servers))
    assert (project.folder / "smokegate.toml").read_text().splitlines()[1:] == [
        'url = "https://shop.example"',
        'health_path = "/v1/health"',
        'version_path = "/v1/version"',
    ]
    assert 'client.saw_version(reply.read(str, "version"))' in project.text(HEALTH)
    assert told[-1].endswith("do without: GET /v1/health/redis")


def test_what_cannot_be_drafted_is_left_out_and_why(project: Drafted) -> None:
    endless = {"type": "object", "required": ["me"], "properties": {"me": {"$ref": "#/x"}}}
    form: dict[str, Any] = {"content": {"multipart/form-data": {}}}
    paths = {
        "/endless": {"post": {"requestBody": takes({"$ref": "#/x"}), "responses": answered(THING)}},
        "/endless/{id}": {"delete": {"responses": answered()}},
        "/files": {"post": {"requestBody": form, "responses": answered(THING)}},
        "/files/{id}": {"delete": {"responses": answered()}},
        "/search": get(parameters=[{"in": "query", "name": "q", "required": True}]),
        "/items/{id}": get(),
        "/old": get(deprecated=True),
        "/auth/logout": get(),
        "/news": get({"200": {"content": {"text/event-stream": {}}}}),
        "/odd": {"post": {"responses": answered()}},
    }
    told = project.from_openapi(described(paths, x=endless))
    left = {line.partition(": ")[2]: line.partition(": ")[0] for line in told if "left out" in line}
    assert left == {
        "POST /endless": "left out, because its body is too large or refers to itself without end",
        "POST /files": "left out, because it takes multipart/form-data, not JSON",
        "GET /old": "left out, because it is deprecated",
        "GET /auth/logout": "left out, because it begins or ends a session",
        "GET /news": "left out, because its answer is a stream",
        "GET /search": "left out, because it needs the parameter q",
        "GET /items/{id}": "left out, because it needs to know which one to read",
        "DELETE /endless/{id}, DELETE /files/{id}, POST /odd": (
            "left out, because it changes something, and is no part of making and removing"
        ),
    }


def test_there_are_no_more_of_a_kind_than_a_person_reads(project: Drafted) -> None:
    told = project.from_openapi(described({f"/{n}": get() for n in range(20)}))
    assert project.text(WORKFLOWS).count("async def test_") == 12
    assert any("there are 12 of its kind: GET /12" in line for line in told)


def test_what_the_path_and_the_query_need_is_filled_in(project: Drafted) -> None:
    query = {"in": "query", "name": "api version", "required": True, "schema": {"default": "1 2"}}
    header = {"in": "header", "name": "X-Shop", "required": True, "example": 7}
    project.from_openapi(described({"/a": get(parameters=[query, header])}))
    assert '"/a?api%20version=1%202", headers={"X-Shop": "7"}' in project.check("test_get_a")


def test_types_of_replies(project: Drafted) -> None:
    schema = {
        "type": "object",
        "required": ["at", "class", "of", "maybe", "kind", "any", "date", "self", "gone"],
        "properties": {
            "at": {"type": "string", "format": "date-time"},
            "class": {"type": "number"},
            "of": {"type": "array", "items": {"type": "integer"}},
            "maybe": {"type": "string", "nullable": True},
            "kind": {"enum": ["a", 'b"'], "type": "string"},
            "any": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            "date": {"type": ["string", "null"], "format": "date"},
            "self": {"anyOf": [{"$ref": "#/components/schemas/Me"}, {"type": "null"}]},
        },
    }
    components = {"schemas": {"Me": schema}}
    reply = answered({"$ref": "#/components/schemas/Me"})
    project.from_openapi(described({"/me": get(reply)}, components=components))
    assert project.text("contract.py").partition("class Me")[2].splitlines()[3:] == [
        "    at: datetime",
        '    class_: float = field(name="class")',
        "    of: list[int]",
        "    maybe: str | None",
        '    kind: Literal["a", \'b"\']',
        "    any: Any",
        '    date_: date | None = field(name="date")',
        "    self: Me | None",
    ]


def test_where_no_member_is_required_those_are_typed_that_are_there(project: Drafted) -> None:
    schema = {"properties": {"n": {"type": "integer"}, "def": {"type": "string"}, "x": {}}}
    project.from_openapi(described({"/me": get(answered(schema))}))
    assert project.text("contract.py").partition("class ")[2].splitlines()[3:] == [
        "    n: int | None = None",
        '    def_: str | None = field(name="def", default=None)',
        "    x: Any = None",
    ]


def test_accounts_are_only_made_where_they_can_be_removed(project: Drafted) -> None:
    entry: dict[str, Any] = {"properties": {"email": {}, "password": {}}, "required": ["email"]}
    tokens = {"properties": {"access_token": {"type": "string"}}}
    paths: dict[str, Any] = {
        "/register": {"post": {"requestBody": takes(entry), "responses": answered(THING, "201")}},
        "/login": {"post": {"requestBody": takes(entry), "responses": answered(tokens)}},
        "/me": get(security=[{"b": []}]),
    }
    project.from_openapi(described(paths) | BEARER)
    assert "resources.py" not in project.python
    paths["/me"]["delete"] = {"security": [{"b": []}], "responses": answered()}
    other = Drafted(project.folder.with_name("other"))
    other.from_openapi(described(paths) | BEARER)
    assert 'creates=("account", email)' in other.text("resources.py")
    assert "token: str" in other.check("test_get_me")


def test_resources_of_a_person_are_not_mixed_with_drafted_ones(project: Drafted) -> None:
    entry: dict[str, Any] = {"properties": {"email": {}, "password": {}}}
    secured = {"security": [{"b": []}], "responses": answered(THING)}
    tokens = {"properties": {"token": {"type": "string"}}}
    paths = {
        "/register": {"post": {"requestBody": takes(entry), "responses": answered(THING, "201")}},
        "/login": {"post": {"requestBody": takes(entry), "responses": answered(tokens)}},
        "/me": {"get": secured, "delete": secured},
    }
    project.suites.mkdir(parents=True)
    own = "async def token(client):\n    return 1\n"
    (project.suites / "resources.py").write_text(own)
    project.from_openapi(described(paths) | BEARER)
    assert project.text("resources.py") == own
    assert "self._signed_in(client)" in project.check("test_get_me")


def test_names_are_valid_and_each_is_given_once(project: Drafted) -> None:
    paths = {
        "/a": get(operationId="getThing"),
        "/b": get(operationId="get-thing"),
        "/c": get(operationId="日本"),
        "/d/e": get(operationId="read_d_d_e_get"),
    }
    project.from_openapi(described(paths))
    for name in "get_thing", "get_thing_2", "operation", "read_d":
        assert project.check(f"test_{name}")


def test_a_body_is_made_of_examples_before_anything_is_made_up(project: Drafted) -> None:
    media = {"schema": NEW_THING, "example": {"size": 9, "name": "Ada's", "kind": "square"}}
    things = {**THINGS["/things"]}
    things["post"] = {
        "requestBody": {"content": {"application/json": media}},
        "responses": answered(THING, "201"),
    }
    project.from_openapi(described(THINGS | {"/things": things}))
    sent = project.check("test_things_flow")
    assert '"size": 9' in sent
    assert '"kind": "square"' in sent
    assert '"name": client.unique("smoke")' in sent
