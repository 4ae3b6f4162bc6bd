import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from lattice.accounts.tables import users
from lattice.database import now
from lattice.security.tables import sessions
from lattice.settings import Settings
from lattice.tenants.tables import tenants
from sqlalchemy import delete, func, insert, select, update

from tests.lattice.in_process import PASSWORD, Lattice, assert_problem

REGISTRATION = {"email": "ada@example.com", "password": PASSWORD, "tenant_name": "Ada Ltd"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def test_a_registration_answers_with_tokens_user_and_tenant(lattice: Lattice) -> None:
    reply = lattice.ask("POST", "/api/auth/register", json=REGISTRATION)
    assert reply.status_code == 201
    members = reply.json()
    assert set(members) == {
        "access_token",
        "refresh_token",
        "token_type",
        "expires_in",
        "user",
        "tenant",
    }
    assert (members["token_type"], members["expires_in"]) == ("bearer", 900)
    assert set(members["user"]) == {"id", "email", "role", "created_at"}
    assert members["user"]["email"] == "ada@example.com"
    assert set(members["tenant"]) == {"id", "name", "plan", "created_at"}
    assert (members["tenant"]["name"], members["tenant"]["plan"]) == ("Ada Ltd", "free")
    assert TIME.fullmatch(members["user"]["created_at"])
    assert TIME.fullmatch(members["tenant"]["created_at"])


def test_the_new_token_works_and_private_replies_are_not_stored(lattice: Lattice) -> None:
    account = lattice.register()
    me = lattice.ask("GET", "/api/auth/me", token=account.access_token)
    assert me.status_code == 200
    assert me.json() == account.user | {"tenant": account.tenant}
    assert me.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@example.com", "Ada@EXAMPLE.com"])
def test_an_address_has_one_account_in_any_letter_case(lattice: Lattice, email: str) -> None:
    lattice.register("ada")
    reply = lattice.ask("POST", "/api/auth/register", json=REGISTRATION | {"email": email})
    assert_problem(reply, 409)


def test_letter_case_is_that_of_all_scripts(lattice: Lattice) -> None:
    first = lattice.ask(
        "POST", "/api/auth/register", json=REGISTRATION | {"email": "é@example.com"}
    )
    again = lattice.ask(
        "POST", "/api/auth/register", json=REGISTRATION | {"email": "É@example.com"}
    )
    assert (first.status_code, again.status_code) == (201, 409)


def test_two_racing_registrations_make_one_account_and_one_tenant(lattice: Lattice) -> None:
    async def race() -> list[int]:
        replies = await asyncio.gather(
            *(
                lattice.send("POST", "/api/auth/register", json=REGISTRATION | {"email": email})
                for email in ("ada@example.com", "Ada@example.com", "ADA@example.com")
            )
        )
        return sorted(reply.status_code for reply in replies)

    assert lattice.do(race()) == [201, 409, 409]
    assert lattice.execute(select(func.count()).select_from(tenants)) == [(1,)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "no address"}, "email"),
        ({"email": "a@b"}, "email"),
        ({"email": "Ada <ada@example.com>"}, "email"),
        ({"password": "123456789"}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"tenant_name": "  "}, "tenant_name"),
        ({"tenant_name": "a\nb"}, "tenant_name"),
        ({"tenant_name": 7}, "tenant_name"),
    ],
)
def test_what_cannot_be_registered_is_named(
    lattice: Lattice, change: dict[str, Any], field: str
) -> None:
    reply = lattice.ask("POST", "/api/auth/register", json=REGISTRATION | change)
    problem = assert_problem(reply, 422)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert field in problem["detail"]


def test_an_empty_registration_names_every_field(lattice: Lattice) -> None:
    problem = assert_problem(lattice.ask("POST", "/api/auth/register", json={}), 422)
    assert {error["field"] for error in problem["errors"]} == set(REGISTRATION)


def test_a_refused_password_is_not_repeated(lattice: Lattice) -> None:
    reply = lattice.ask("POST", "/api/auth/register", json=REGISTRATION | {"password": "hunter2"})
    assert "hunter2" not in reply.text


@pytest.mark.parametrize(
    "email", ["ada+smoke.1@example.com", "smoketest-0b1c@example.com", "ops@checks.test"]
)
def test_addresses_of_checks_are_taken(lattice: Lattice, email: str) -> None:
    reply = lattice.ask("POST", "/api/auth/register", json=REGISTRATION | {"email": email})
    assert (reply.status_code, reply.json()["user"]["email"]) == (201, email)


def test_a_login_begins_a_session_of_its_own(lattice: Lattice) -> None:
    registered = lattice.register()
    logged_in = lattice.log_in("ADA")
    assert (logged_in.user, logged_in.tenant) == (registered.user, registered.tenant)
    assert logged_in.access_token != registered.access_token


def test_a_wrong_password_and_an_unknown_address_answer_alike(lattice: Lattice) -> None:
    lattice.register("ada")

    def answer(email: str, password: str) -> tuple[int, bytes, str]:
        reply = lattice.ask("POST", "/api/auth/login", json={"email": email, "password": password})
        return reply.status_code, reply.content, reply.headers["www-authenticate"]

    wrong = answer("ada@example.com", "a wrong password")
    assert wrong[0] == 401
    assert wrong[2] == "Bearer"
    assert answer("nobody@example.com", PASSWORD) == wrong
    assert answer("not an address", PASSWORD) == wrong
    assert answer("ada@example.com", "") == wrong


def test_a_refresh_token_is_good_once(lattice: Lattice) -> None:
    first = {"refresh_token": lattice.register().refresh_token}
    refreshed = lattice.ask("POST", "/api/auth/refresh", json=first)
    assert refreshed.status_code == 200
    assert set(refreshed.json()) == {"access_token", "refresh_token", "token_type", "expires_in"}
    token = refreshed.json()["access_token"]
    assert lattice.ask("GET", "/api/auth/me", token=token).status_code == 200

    again = lattice.ask("POST", "/api/auth/refresh", json=first)
    assert_problem(again, 401)
    # It was in two hands: the session is over for both of them.
    assert_problem(lattice.ask("GET", "/api/auth/me", token=token), 401)
    second = {"refresh_token": refreshed.json()["refresh_token"]}
    assert_problem(lattice.ask("POST", "/api/auth/refresh", json=second), 401)


def test_sessions_go_on_while_keys_are_changed(settings_with: Callable[..., Settings]) -> None:
    old, new = 32 * "o", 32 * "n"
    # One after the other, as a process is restarted.
    with Lattice(settings_with(secret=old)) as lattice:
        account = lattice.register()
    with Lattice(settings_with(secret=new, second_secret=old)) as lattice:
        assert lattice.ask("GET", "/api/auth/me", token=account.access_token).status_code == 200
        refresh = {"refresh_token": account.refresh_token}
        renewed = lattice.ask("POST", "/api/auth/refresh", json=refresh).json()["access_token"]
    with Lattice(settings_with(secret=new)) as lattice:
        assert lattice.ask("GET", "/api/auth/me", token=renewed).status_code == 200
        assert_problem(lattice.ask("GET", "/api/auth/me", token=account.access_token), 401)


def test_a_refresh_token_of_long_ago_ends_the_session_too(lattice: Lattice) -> None:
    tokens = [lattice.register().refresh_token]
    for _ in range(3):
        refresh = {"refresh_token": tokens[-1]}
        renewed = lattice.ask("POST", "/api/auth/refresh", json=refresh).json()
        tokens.append(renewed["refresh_token"])
    for token in (tokens[0], tokens[-1]):
        reply = lattice.ask("POST", "/api/auth/refresh", json={"refresh_token": token})
        assert_problem(reply, 401)
    assert lattice.execute(select(func.count()).select_from(sessions)) == [(0,)]


def test_of_two_racing_refreshes_one_wins(lattice: Lattice) -> None:
    account = lattice.register()

    async def race() -> list[int]:
        replies = await asyncio.gather(
            *(
                lattice.send(
                    "POST", "/api/auth/refresh", json={"refresh_token": account.refresh_token}
                )
                for _ in range(2)
            )
        )
        return sorted(reply.status_code for reply in replies)

    assert lattice.do(race()) == [200, 401]


def test_a_token_of_one_kind_is_not_taken_for_the_other(lattice: Lattice) -> None:
    account = lattice.register()
    assert_problem(lattice.ask("GET", "/api/auth/me", token=account.refresh_token), 401)
    as_refresh = {"refresh_token": account.access_token}
    assert_problem(lattice.ask("POST", "/api/auth/refresh", json=as_refresh), 401)


def test_after_logout_both_tokens_are_dead_and_other_sessions_live(lattice: Lattice) -> None:
    account, other = lattice.register(), lattice.log_in()
    reply = lattice.ask("POST", "/api/auth/logout", token=account.access_token)
    assert (reply.status_code, reply.content) == (204, b"")
    assert_problem(lattice.ask("GET", "/api/auth/me", token=account.access_token), 401)
    refresh = {"refresh_token": account.refresh_token}
    assert_problem(lattice.ask("POST", "/api/auth/refresh", json=refresh), 401)
    assert lattice.ask("GET", "/api/auth/me", token=other.access_token).status_code == 200


def test_leaving_takes_the_account_its_sessions_and_its_tenant_along(lattice: Lattice) -> None:
    account, other, foreign = (
        lattice.register("ada"),
        lattice.log_in("ada"),
        lattice.register("bob"),
    )
    reply = lattice.ask("DELETE", "/api/auth/me", token=account.access_token)
    assert (reply.status_code, reply.content) == (204, b"")
    for token in (account.access_token, other.access_token):
        assert_problem(lattice.ask("GET", "/api/auth/me", token=token), 401)
    assert lattice.execute(select(users.c.id)) == [(foreign.user["id"],)]
    assert lattice.execute(select(tenants.c.id)) == [(foreign.tenant["id"],)]
    assert lattice.execute(select(sessions.c.user_id)) == [(foreign.user["id"],)]
    assert lattice.register("ada").user["id"] != account.user["id"]


def test_a_tenant_stays_while_someone_is_in_it(lattice: Lattice) -> None:
    account = lattice.register("ada")
    colleague = {
        "id": "colleague",
        "tenant_id": account.tenant["id"],
        "email": "eve@example.com",
        "email_key": "eve@example.com",
        "password_hash": "",
        "role": "member",
        "created_at": now(),
    }
    lattice.execute(insert(users).values(colleague))
    lattice.ask("DELETE", "/api/auth/me", token=account.access_token)
    assert lattice.execute(select(users.c.id)) == [("colleague",)]
    assert lattice.execute(select(tenants.c.id)) == [(account.tenant["id"],)]


def test_of_all_who_leave_at_once_one_takes_the_tenant_along(lattice: Lattice) -> None:
    account = lattice.register("ada")
    tokens = [account.access_token]
    for number in range(4):
        other = lattice.register(f"eve{number}")
        tenant = {"tenant_id": account.tenant["id"]}
        for table, column in ((users, users.c.id), (sessions, sessions.c.user_id)):
            lattice.execute(update(table).where(column == other.user["id"]).values(tenant))
        lattice.execute(delete(tenants).where(tenants.c.id == other.tenant["id"]))
        mine = select(sessions.c.id).where(sessions.c.user_id == other.user["id"])
        ((session_id,),) = lattice.execute(mine)
        issue = lattice.app.state.tokens.access
        tokens.append(issue(other.user["id"], account.tenant["id"], session_id))

    async def leave_at_once() -> list[int]:
        leave = (lattice.send("DELETE", "/api/auth/me", token=token) for token in tokens)
        return [reply.status_code for reply in await asyncio.gather(*leave)]

    assert lattice.do(leave_at_once()) == [204] * 5
    assert lattice.execute(select(tenants.c.id)) == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/auth/me"), ("DELETE", "/api/auth/me"), ("POST", "/api/auth/logout")],
)
@pytest.mark.parametrize(
    "authorization", [None, "Bearer x", "Bearer", "Basic YTpi", "Bearer a.b.c"]
)
def test_without_a_token_nothing_is_said(
    lattice: Lattice, method: str, path: str, authorization: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    reply = lattice.ask(method, path, headers=headers)
    assert_problem(reply, 401)
    assert reply.headers["www-authenticate"] == "Bearer"


def test_an_account_of_a_check_has_an_end_and_no_other_has(
    lattice_with: Callable[..., Lattice],
) -> None:
    lattice = lattice_with(smoke_account_ttl_s=60)
    lattice.register("ada")
    lattice.register("smoke", headers={"X-Smoke-Test": "run-1"})
    ends = dict(tuple(row) for row in lattice.execute(select(users.c.email, users.c.expires_at)))
    assert ends["ada@example.com"] is None
    assert 50 < (ends["smoke@example.com"] - now()).total_seconds() <= 60
