from uuid import uuid4

import pytest

from tests.lattice.in_process import Lattice, assert_problem


def test_the_callers_tenant_is_listed_and_no_other(lattice: Lattice) -> None:
    account, other = lattice.register("ada"), lattice.register("bob")
    reply = lattice.ask("GET", "/api/tenants", token=account.access_token)
    assert reply.status_code == 200
    assert reply.json() == {"items": [account.tenant]}
    assert other.tenant["id"] not in reply.text


def test_a_tenant_is_seen_and_renamed(lattice: Lattice) -> None:
    account = lattice.register("ada")
    path = f"/api/tenants/{account.tenant['id']}"
    assert lattice.ask("GET", path, token=account.access_token).json() == account.tenant
    renamed = lattice.ask("PATCH", path, token=account.access_token, json={"name": " Ada Ltd "})
    assert renamed.status_code == 200
    assert renamed.json() == account.tenant | {"name": "Ada Ltd"}
    assert lattice.ask("GET", path, token=account.access_token).json() == renamed.json()


def test_a_plan_cannot_be_given_to_oneself(lattice: Lattice) -> None:
    account = lattice.register("ada")
    path = f"/api/tenants/{account.tenant['id']}"
    change = {"name": "Ada Ltd", "plan": "enterprise", "id": str(uuid4())}
    assert_problem(lattice.ask("PATCH", path, token=account.access_token, json=change), 422)
    seen = lattice.ask("GET", path, token=account.access_token).json()
    assert seen == account.tenant


@pytest.mark.parametrize("json", [None, {"name": "Taken over"}])
def test_another_tenant_is_not_found_and_stays_as_it_is(
    lattice: Lattice, json: dict[str, str] | None
) -> None:
    account, other = lattice.register("ada"), lattice.register("bob")
    path = f"/api/tenants/{other.tenant['id']}"
    method = "PATCH" if json else "GET"
    foreign = lattice.ask(method, path, token=account.access_token, json=json)
    assert_problem(foreign, 404)
    unknown = lattice.ask(method, f"/api/tenants/{uuid4()}", token=account.access_token, json=json)
    assert foreign.json() == unknown.json()
    assert lattice.ask("GET", path, token=other.access_token).json() == other.tenant


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\tb", None])
def test_a_name_that_cannot_be_shown_is_refused(lattice: Lattice, name: str | None) -> None:
    account = lattice.register("ada")
    path = f"/api/tenants/{account.tenant['id']}"
    reply = lattice.ask("PATCH", path, token=account.access_token, json={"name": name})
    assert assert_problem(reply, 422)["errors"][0]["field"] == "name"


def test_a_name_in_any_script_comes_back_as_it_was_given(lattice: Lattice) -> None:
    account = lattice.register("ada")
    path = f"/api/tenants/{account.tenant['id']}"
    name = "格子 решётка 🕸 <b>&'\""
    lattice.ask("PATCH", path, token=account.access_token, json={"name": name})
    assert lattice.ask("GET", path, token=account.access_token).json()["name"] == name


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/x"), ("PATCH", "/x")])
def test_tenants_are_for_those_who_have_a_token(lattice: Lattice, method: str, path: str) -> None:
    assert_problem(lattice.ask(method, f"/api/tenants{path}"), 401)
