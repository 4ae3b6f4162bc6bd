"""Lattices over HTTP, as a tenant and its neighbour see them."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from lattice.database import now
from lattice.lattices.tables import lattices
from lattice.tenants.plans import PLANS
from lattice.tenants.tables import tenants
from sqlalchemy import update

from tests.lattice.in_process import Lattice

FREE = PLANS[0].limits
CUBE = {"name": "cube", "dimensions": [5, 5, 5]}


def test_a_lattice_is_read_back_as_it_was_made(lattice: Lattice) -> None:
    asked = {
        "name": "Lager \U0001f9f1 \u202e\u05d0\u05d1 e\u0301 ",
        "description": "zwei\nZeilen",
        "dimensions": [3, 999_983 // 3],
        "obstacles": [[2, 0], [0, 333_326]],
        "connectivity": "diagonal",
    }

    token = lattice.register().access_token
    made = lattice.ask("POST", "/api/lattices", token=token, json=asked)
    assert made.status_code == 201, made.text
    body = made.json()
    assert {name: body[name] for name in asked} == asked
    assert body["cells"] == 3 * 333_327
    # Rows, columns and both diagonals of a strip three cells wide.
    assert body["edges"] == 3 * 333_326 + 2 * 333_327 + 2 * 2 * 333_326
    assert body["obstacle_count"] == 2
    assert body["created_at"] == body["updated_at"]
    assert body["created_at"].endswith("Z")
    read = lattice.ask("GET", made.headers["Location"], token=token)
    assert read.json() == body


def test_what_is_left_out_has_defaults(lattice: Lattice) -> None:
    made = lattice.ask("POST", "/api/lattices", token=lattice.register().access_token, json=CUBE)
    members = made.json()
    assert (members["cells"], members["edges"]) == (125, 300)
    assert members["description"] is None
    assert members["obstacles"] == []
    assert members["connectivity"] == "axis"


@pytest.mark.sampled(16)
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\u0000b"}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": 5}, "name"),
        ({"description": "a\u0000b"}, "description"),
        ({"dimensions": []}, "dimensions"),
        ({"dimensions": [2] * 5}, "dimensions"),
        ({"dimensions": [1] * 9}, "dimensions"),
        ({"dimensions": [5, 0]}, "dimensions.1"),
        ({"dimensions": [5, -1]}, "dimensions.1"),
        ({"dimensions": [True]}, "dimensions.0"),
        ({"dimensions": [2.0]}, "dimensions.0"),
        ({"dimensions": ["2"]}, "dimensions.0"),
        ({"dimensions": [1000, 1000, 1000]}, "dimensions"),
        ({"dimensions": [10**300]}, "dimensions.0"),
        ({"obstacles": [[0, 0]]}, "obstacles"),
        ({"obstacles": [[0, 0, 5]]}, "obstacles"),
        ({"obstacles": [[0, -1, 0]]}, "obstacles"),
        ({"obstacles": [[1, 2, 3], [1, 2, 3]]}, "obstacles"),
        ({"obstacles": [[0, 0, 1.0]]}, "obstacles.0.2"),
        ({"connectivity": "hexagonal"}, "connectivity"),
    ],
)
def test_what_cannot_be_a_lattice_is_refused_by_field(
    lattice: Lattice, change: dict[str, Any], field: str
) -> None:
    token = lattice.register().access_token
    # As text: a lone surrogate cannot be sent otherwise.
    reply = lattice.ask(
        "POST",
        "/api/lattices",
        token=token,
        headers={"Content-Type": "application/json"},
        content=json.dumps(CUBE | change),
    )
    assert reply.status_code == 422, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert [error["field"] for error in reply.json()["errors"]] == [field]
    listed = lattice.ask("GET", "/api/lattices", token=token)
    assert listed.json()["total"] == 0


def test_another_tenants_lattice_is_not_there(lattice: Lattice) -> None:
    ada, bob = lattice.register("ada").access_token, lattice.register("bob").access_token
    made = lattice.ask("POST", "/api/lattices", token=ada, json=CUBE)
    path = made.headers["Location"]
    question = {"start": [0, 0, 0], "end": [1, 1, 1]}
    for method, where, body in (
        ("GET", path, None),
        ("PATCH", path, {"name": "mine now"}),
        ("DELETE", path, None),
        ("POST", f"{path}/pathfind", question),
    ):
        foreign = lattice.ask(method, where, token=bob, json=body)
        unknown = lattice.ask(
            method, where.replace(made.json()["id"], "none"), token=bob, json=body
        )
        assert foreign.status_code == 404, (method, where)
        assert foreign.json() == unknown.json()
    assert (lattice.ask("GET", "/api/lattices", token=bob)).json()["items"] == []
    assert (lattice.ask("GET", path, token=ada)).json() == made.json()


def test_pages_are_in_a_stable_order_the_latest_first(lattice: Lattice) -> None:
    token = lattice.register().access_token
    names = [f"lattice {number}" for number in range(7)]
    asked = {"lattices": [{"name": name, "dimensions": [2]} for name in names]}
    lattice.ask("POST", "/api/lattices/bulk", token=token, json=asked)
    # Made in the same moment: times do not tell the order.
    lattice.execute(update(lattices).values(created_at=now()))
    seen = []
    for offset in (0, 3, 6, 9):
        page = lattice.ask("GET", f"/api/lattices?limit=3&offset={offset}", token=token)
        body = page.json()
        assert (body["total"], body["limit"], body["offset"]) == (7, 3, offset)
        seen += [item["name"] for item in body["items"]]
    assert seen == names[::-1]
    for query in ("limit=0", "limit=101", "offset=-1", f"offset={10**30}"):
        refused = lattice.ask("GET", f"/api/lattices?{query}", token=token)
        assert refused.status_code == 422, query


def test_a_change_changes_what_it_names(lattice: Lattice) -> None:
    token = lattice.register().access_token
    asked = CUBE | {"description": "first", "obstacles": [[1, 1, 1]]}
    made = lattice.ask("POST", "/api/lattices", token=token, json=asked)
    path, before = made.headers["Location"], made.json()
    change: dict[str, Any]
    for change in ({"name": "renamed"}, {"description": None}, {"obstacles": []}, {}):
        changed = lattice.ask("PATCH", path, token=token, json=change)
        assert changed.status_code == 200, changed.text
        after = changed.json()
        expected = before | change | {"updated_at": after["updated_at"]}
        expected["obstacle_count"] = len(expected["obstacles"])
        assert after == expected
        assert (after["updated_at"] > before["updated_at"]) == bool(change)
        assert (lattice.ask("GET", path, token=token)).json() == after
        before = after
    for refused in ({"name": None}, {"obstacles": [[5, 0, 0]]}, {"dimensions": [9]}):
        reply = lattice.ask("PATCH", path, token=token, json=refused)
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["field"] == next(iter(refused))
    assert (lattice.ask("GET", path, token=token)).json() == before


def test_what_is_removed_is_gone(lattice: Lattice) -> None:
    token = lattice.register().access_token
    made = lattice.ask("POST", "/api/lattices", token=token, json=CUBE)
    path = made.headers["Location"]
    removed = lattice.ask("DELETE", path, token=token)
    assert (removed.status_code, removed.content) == (204, b"")
    for method in ("GET", "DELETE"):
        assert (lattice.ask(method, path, token=token)).status_code == 404


def test_many_are_made_together_or_not_at_all(lattice: Lattice) -> None:
    token = lattice.register().access_token
    good = [{"name": f"{number}", "dimensions": [number + 1]} for number in range(100)]
    for bad, field in (
        ({"name": "too large", "dimensions": [10**6, 10**6]}, "lattices.99.dimensions"),
        ({"name": "", "dimensions": [1]}, "lattices.99.name"),
    ):
        asked = {"lattices": [*good[:99], bad]}
        refused = lattice.ask("POST", "/api/lattices/bulk", token=token, json=asked)
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == [field]
    for count in (0, 101):
        asked = {"lattices": [CUBE] * count}
        refused = lattice.ask("POST", "/api/lattices/bulk", token=token, json=asked)
        assert refused.status_code == 422
    assert (lattice.ask("GET", "/api/lattices", token=token)).json()["total"] == 0
    made = lattice.ask("POST", "/api/lattices/bulk", token=token, json={"lattices": good})
    assert made.status_code == 201
    assert made.json()["created"] == 100
    assert [item["cells"] for item in made.json()["items"]] == list(range(1, 101))
    for item in made.json()["items"][::33]:
        read = lattice.ask("GET", f"/api/lattices/{item['id']}", token=token)
        assert read.json() == item


def test_the_last_places_of_a_plan_are_given_once_by_whichever_process(
    lattice_with: Callable[..., Lattice],
) -> None:
    lattice = lattice_with(rate_limit_session=10_000, rate_limit_tenant=10_000)
    token = lattice.register().access_token
    spare, asked_at_once = 1, 50
    for count in (100, FREE.lattices - 100 - spare):
        asked = {"lattices": [CUBE] * count}
        made = lattice.ask("POST", "/api/lattices/bulk", token=token, json=asked)
        assert made.json()["created"] == count
    too_many = {"lattices": [CUBE] * (spare + 1)}
    refused = lattice.ask("POST", "/api/lattices/bulk", token=token, json=too_many)
    assert refused.status_code == 403

    async def create_at_once() -> list[httpx2.Response]:
        async with lattice.beside() as beside:
            sends = [lattice.send, beside] * (asked_at_once // 2)
            create = (send("POST", "/api/lattices", token=token, json=CUBE) for send in sends)
            return await asyncio.gather(*create)

    replies = lattice.do(create_at_once())
    statuses = sorted(reply.status_code for reply in replies)
    assert statuses == [201] * spare + [403] * (asked_at_once - spare)
    problem = next(reply for reply in replies if reply.status_code == 403).json()
    assert problem["type"] == "urn:lattice:problem:plan-limit-reached"
    assert (problem["plan"], problem["resource"]) == ("free", "lattices")
    assert problem["limit"] == FREE.lattices
    listed = lattice.ask("GET", "/api/lattices", token=token)
    assert listed.json()["total"] == FREE.lattices


def test_a_larger_plan_allows_larger_lattices(lattice: Lattice) -> None:
    account = lattice.register()
    asked = {"name": "wide", "dimensions": [3] * 8}
    refused = lattice.ask("POST", "/api/lattices", token=account.access_token, json=asked)
    assert refused.status_code == 422
    change = update(tenants).where(tenants.c.id == account.tenant["id"])
    lattice.execute(change.values(plan="enterprise"))
    made = lattice.ask("POST", "/api/lattices", token=account.access_token, json=asked)
    assert made.status_code == 201, made.text
