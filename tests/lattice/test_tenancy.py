"""Who gets in where: every route, asked by everyone who might."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from lattice.accounts.tables import users
from lattice.database import EVERY_TENANT, metadata, now
from lattice.security.roles import Role
from lattice.security.sessions import Bearer, Grant, open_session
from lattice.tenants.tables import tenants
from sqlalchemy import insert, select

from tests.lattice.in_process import PASSWORD, Account, Lattice, assert_problem

MARK = "for-ada-only"
ACTORS = ("own", "owner", "member", "viewer", "other", "anonymous")
Row = tuple[int, ...]
# Who has asked and how often, and what is nobody's yet.
NOT_COMPARED = {"users", "sessions", "usage_days", "idempotency_keys", "registrations"}

# What the actors, in their order, are answered. Another tenant's owner names what is Ada's.
OPEN: Row = (200,) * 6
ANY_ACCOUNT = (200, 200, 200, 200, 200, 401)
ANY_ACCOUNT_EMPTY = (204, 204, 204, 204, 204, 401)
READ: Row = (200, 200, 200, 200, 404, 401)
SEARCHED = READ
CHANGED: Row = (200, 200, 200, 403, 404, 401)
REMOVED: Row = (204, 204, 204, 403, 404, 401)
QUEUED: Row = (202, 202, 202, 403, 404, 401)
# What names nothing of anybody: it makes something of the actor's own.
MADE: Row = (201, 201, 201, 403, 201, 401)

MATRIX: dict[tuple[str, str], Row] = {
    ("GET", "/openapi.json"): OPEN,
    ("GET", "/docs"): OPEN,
    ("GET", "/health"): OPEN,
    ("GET", "/health/live"): OPEN,
    ("GET", "/health/ready"): OPEN,
    ("GET", "/health/database"): OPEN,
    ("GET", "/health/redis"): (503,) * 6,  # there is none here
    ("GET", "/version"): OPEN,
    ("GET", "/metrics"): OPEN,
    ("GET", "/api/plans"): OPEN,
    ("POST", "/api/auth/register"): (201,) * 6,
    ("POST", "/api/auth/confirm"): (401,) * 6,  # with a wrong token
    ("POST", "/api/auth/login"): (401,) * 6,  # with a wrong password
    ("POST", "/api/auth/refresh"): (200, 200, 200, 200, 200, 401),
    ("POST", "/api/auth/logout"): ANY_ACCOUNT_EMPTY,
    ("GET", "/api/auth/me"): ANY_ACCOUNT,
    ("DELETE", "/api/auth/me"): ANY_ACCOUNT_EMPTY,
    ("GET", "/api/tenants"): ANY_ACCOUNT,
    ("GET", "/api/tenants/{tenant_id}"): READ,
    ("PATCH", "/api/tenants/{tenant_id}"): (200, 200, 403, 403, 404, 401),
    ("GET", "/api/subscriptions"): ANY_ACCOUNT,
    ("POST", "/api/subscriptions"): (201, 201, 403, 403, 201, 401),
    ("PATCH", "/api/subscriptions"): (200, 200, 403, 403, 200, 401),
    ("DELETE", "/api/subscriptions"): (404, 404, 403, 403, 404, 401),  # nobody has one
    ("POST", "/api/lattices"): MADE,
    ("POST", "/api/lattices/bulk"): MADE,
    ("GET", "/api/lattices"): ANY_ACCOUNT,
    ("GET", "/api/lattices/{lattice_id}"): READ,
    ("PATCH", "/api/lattices/{lattice_id}"): CHANGED,
    ("DELETE", "/api/lattices/{lattice_id}"): REMOVED,
    ("POST", "/api/lattices/{lattice_id}/pathfind"): SEARCHED,
    ("POST", "/api/webhooks"): MADE,
    ("GET", "/api/webhooks"): ANY_ACCOUNT,
    ("GET", "/api/webhooks/{webhook_id}"): READ,
    ("PATCH", "/api/webhooks/{webhook_id}"): CHANGED,
    ("DELETE", "/api/webhooks/{webhook_id}"): REMOVED,
    ("POST", "/api/webhooks/{webhook_id}/test"): QUEUED,
    ("POST", "/api/webhooks/{webhook_id}/secret/rotate"): CHANGED,
    ("GET", "/api/webhooks/{webhook_id}/deliveries"): READ,
    ("GET", "/api/webhooks/{webhook_id}/deliveries/{delivery_id}"): READ,
    ("POST", "/api/webhooks/{webhook_id}/deliveries/{delivery_id}/replay"): QUEUED,
    ("GET", "/api/usage"): ANY_ACCOUNT,
}
LATTICE = {"name": MARK, "dimensions": [2, 2]}
WEBHOOK = {"url": f"http://127.0.0.1:1/{MARK}", "events": ["lattice.created"]}
NEW_LATTICE = LATTICE | {"name": "new"}
NEW_WEBHOOK = WEBHOOK | {"url": "http://127.0.0.1:1/new"}
BODIES: dict[tuple[str, str], Callable[[Grant | None], object]] = {
    ("POST", "/api/auth/register"): lambda _: _registration(),
    ("POST", "/api/auth/confirm"): lambda _: {"token": "wrong", "password": PASSWORD},
    ("POST", "/api/auth/login"): lambda _: {"email": "ada@example.com", "password": "wrong"},
    ("POST", "/api/auth/refresh"): lambda grant: {
        "refresh_token": grant.refresh_token if grant else "none"
    },
    ("PATCH", "/api/tenants/{tenant_id}"): lambda _: {"name": f"{MARK} renamed"},
    ("POST", "/api/subscriptions"): lambda _: {"plan": "starter"},
    ("PATCH", "/api/subscriptions"): lambda _: {"plan": "starter"},
    ("POST", "/api/lattices"): lambda _: NEW_LATTICE,
    ("POST", "/api/lattices/bulk"): lambda _: {"lattices": [NEW_LATTICE]},
    ("PATCH", "/api/lattices/{lattice_id}"): lambda _: {"name": f"{MARK} changed"},
    ("POST", "/api/lattices/{lattice_id}/pathfind"): lambda _: {"start": [0, 0], "end": [1, 1]},
    ("POST", "/api/webhooks"): lambda _: NEW_WEBHOOK,
    ("PATCH", "/api/webhooks/{webhook_id}"): lambda _: {"enabled": False},
}


def _registration() -> dict[str, str]:
    return {"email": f"{uuid4()}@example.com", "password": PASSWORD, "tenant_name": "new"}


@pytest.fixture
def lattice(lattice_with: Callable[..., Lattice]) -> Lattice:
    return lattice_with(rate_limit_anonymous=10_000, rate_limit_tenant=10_000)


@dataclass
class Scene:
    """Ada's tenant with one of everything, and someone who asks."""

    lattice: Lattice
    ada: Account
    ids: dict[str, str]

    def ask(self, method: str, path: str, actor: str) -> httpx2.Response:
        """Ask for what is Ada's, as somebody who has not asked for anything yet."""
        grant = self._grant(actor)
        make = BODIES.get((method, path))
        content: dict[str, Any] = {"json": make(grant)} if make else {}
        token = grant.access_token if grant else None
        return self.lattice.ask(method, path.format_map(self.ids), token=token, **content)

    def _grant(self, actor: str) -> Grant | None:
        match actor:
            case "anonymous":
                return None
            case "other":
                return self.let_in(Role.OWNER, new_tenant(self.lattice))
            case "own":
                return self.let_in(Role.OWNER, self.ada.tenant["id"], self.ada.user["id"])
            case _:
                return self.let_in(Role(actor), self.ada.tenant["id"])

    def let_in(self, role: Role, tenant_id: str, user_id: str | None = None) -> Grant:
        """Open a session for somebody of a tenant, new to it unless named."""

        async def open_one() -> Grant:
            async with self.lattice.database.writing(tenant_id) as connection:
                known = user_id or str(uuid4())
                if user_id is None:
                    await connection.execute(insert(users).values(_user(known, tenant_id, role)))
                bearer = Bearer(known, tenant_id, role, None)
                return await open_session(connection, self.lattice.app.state.tokens, bearer)

        return self.lattice.do(open_one())

    def rows(self) -> dict[str, list[Any]]:
        """Everything that is Ada's, but who has asked and how often."""
        found = {}
        for table in metadata.sorted_tables:
            if table.name not in NOT_COMPARED:
                column = table.c.id if table is tenants else table.c.tenant_id
                mine = select(table).where(column == self.ada.tenant["id"])
                found[table.name] = sorted(map(repr, self.lattice.execute(mine)))
        return found


def new_tenant(lattice: Lattice) -> str:
    tenant_id = str(uuid4())
    values = {"id": tenant_id, "name": "other", "plan": "free", "created_at": now()}
    lattice.execute(insert(tenants).values(values))
    return tenant_id


def _user(user_id: str, tenant_id: str, role: Role) -> dict[str, Any]:
    return {
        "id": user_id,
        "tenant_id": tenant_id,
        "email": f"{user_id}@example.com",
        "email_key": f"{user_id}@example.com",
        "password_hash": "",
        "role": role,
        "created_at": now(),
    }


def scene(lattice: Lattice) -> Scene:
    """Ada, newly registered, with a lattice, a webhook and a delivery to it."""
    ada = lattice.register(f"ada-{uuid4()}")
    ids = {"tenant_id": ada.tenant["id"]}
    for kind, path, body in (
        ("webhook_id", "/api/webhooks", WEBHOOK),
        ("lattice_id", "/api/lattices", LATTICE),
    ):
        reply = lattice.ask("POST", path, token=ada.access_token, json=body)
        assert reply.status_code == 201, reply.text
        ids[kind] = reply.json()["id"]
    tried = lattice.ask("POST", f"/api/webhooks/{ids['webhook_id']}/test", token=ada.access_token)
    ids["delivery_id"] = tried.json()["delivery_id"]
    return Scene(lattice, ada, ids)


def routes(lattice: Lattice) -> set[tuple[str, str]]:
    return {
        (method, route.path)  # type: ignore[attr-defined]
        for route in lattice.app.routes
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
    }


def test_every_route_is_in_the_matrix(lattice: Lattice) -> None:
    assert set(MATRIX) == routes(lattice)


@pytest.fixture
def _undelivered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliveries stay as they are: what changes them here is who asks."""

    async def nothing(_: object) -> None:
        return

    monkeypatch.setattr("lattice.webhooks.sender.Sender.run", nothing)


@pytest.mark.usefixtures("_undelivered")
def test_everyone_is_answered_as_the_matrix_says(lattice: Lattice) -> None:
    here, found = scene(lattice), {}
    before = here.rows()
    for method, path in MATRIX:
        statuses = []
        for actor in ACTORS:
            if takes_away(method, path):
                here = scene(lattice)
                before = here.rows()
            reply = here.ask(method, path, actor)
            statuses.append(reply.status_code)
            after = here.rows()
            if reply.status_code in {401, 403, 404} or actor in {"other", "anonymous"}:
                assert MARK not in reply.text, (method, path, actor)
                assert after == before, (method, path, actor)
            before = after
        found[method, path] = tuple(statuses)
    assert found == MATRIX


def takes_away(method: str, path: str) -> bool:
    """Whether a request may leave Ada's tenant so that the next one is answered otherwise."""
    return method == "DELETE" or (method != "GET" and path == "/api/subscriptions")


NAMED = [(method, path) for method, path in MATRIX if "{" in path]


@pytest.mark.usefixtures("_undelivered")
def test_what_is_foreign_is_answered_as_what_is_not_there(lattice: Lattice) -> None:
    here = scene(lattice)
    foreign = {(method, path): here.ask(method, path, "other").json() for method, path in NAMED}
    here.ids |= dict.fromkeys(here.ids, str(uuid4()))
    unknown = {(method, path): here.ask(method, path, "own").json() for method, path in NAMED}
    assert foreign == unknown
    for strange in ("no%00such", "x" * 300, "%27--", "%F0%9F%95%B8"):
        here.ids |= dict.fromkeys(here.ids, strange)
        for method, path in NAMED:
            assert_problem(here.ask(method, path, "own"), 404)


@contextmanager
def unchanged(here: Scene) -> Iterator[None]:
    before = here.rows()
    yield
    assert here.rows() == before


ASSIGNED: tuple[tuple[str, str], ...] = tuple(
    (method, path)
    for method, path in BODIES
    if "pathfind" not in path and path not in {"/api/auth/login", "/api/auth/refresh"}
)
FIELDS = {"tenant_id": "other", "role": "owner", "plan": "enterprise", "id": "mine"}


@pytest.mark.usefixtures("_undelivered")
def test_nobody_assigns_what_is_not_theirs_to_assign(lattice: Lattice) -> None:
    here = scene(lattice)
    token = here.ada.access_token
    with unchanged(here):
        for method, path in ASSIGNED:
            asked = BODIES[method, path](None)
            assert isinstance(asked, dict)
            for name, value in FIELDS.items():
                if name not in asked:
                    body = asked | {name: value}
                    reply = lattice.ask(method, path.format_map(here.ids), token=token, json=body)
                    problem = assert_problem(reply, 422)
                    assert [error["field"] for error in problem["errors"]] == [name]


def test_a_role_is_that_of_the_session_not_of_the_token(lattice: Lattice) -> None:
    here = scene(lattice)
    grant = here.let_in(Role.MEMBER, here.ada.tenant["id"])
    refresh = {"refresh_token": grant.refresh_token}
    lattice.execute(users.update().where(users.c.id == grant.caller.user_id).values(role="viewer"))
    token = lattice.ask("POST", "/api/auth/refresh", json=refresh).json()["access_token"]
    assert_problem(lattice.ask("POST", "/api/lattices", token=token, json=NEW_LATTICE), 403)


def test_an_unknown_role_may_nothing(lattice: Lattice) -> None:
    here = scene(lattice)
    tenant_id, user_id = here.ada.tenant["id"], here.ada.user["id"]

    async def let_in() -> Grant:
        async with lattice.database.writing(EVERY_TENANT) as connection:
            bearer = Bearer(user_id, tenant_id, "superuser", None)
            return await open_session(connection, lattice.app.state.tokens, bearer)

    token = lattice.do(let_in()).access_token
    assert_problem(lattice.ask("POST", "/api/lattices", token=token, json=NEW_LATTICE), 403)
