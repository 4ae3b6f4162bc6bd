from datetime import timedelta

import pytest
from lattice.database import now
from lattice.security.tables import sessions
from sqlalchemy import update

from tests.lattice.in_process import Lattice, assert_problem

# A route that reads, one that writes, one that does so by itself.
EACH_KIND = (("GET", "/api/auth/me"), ("DELETE", "/api/lattices/x"), ("POST", "/api/auth/logout"))


def test_a_session_that_is_over_lets_nobody_in(lattice: Lattice) -> None:
    account = lattice.register()
    lattice.execute(update(sessions).values(expires_at=now() - timedelta(seconds=1)))
    for asked in EACH_KIND:
        assert_problem(lattice.ask(*asked, token=account.access_token), 401)


@pytest.mark.parametrize("column", ["user_id", "tenant_id"])
def test_the_session_must_be_that_of_the_token(lattice: Lattice, column: str) -> None:
    account, other = lattice.register("ada"), lattice.register("bob")
    taken = {"user_id": other.user["id"], "tenant_id": other.tenant["id"]}[column]
    lattice.execute(
        update(sessions).where(sessions.c.user_id == account.user["id"]).values({column: taken})
    )
    assert_problem(lattice.ask("GET", "/api/auth/me", token=account.access_token), 401)


def test_a_token_signed_for_no_session_lets_nobody_in(lattice: Lattice) -> None:
    account = lattice.register()
    token = lattice.app.state.tokens.access(account.user["id"], account.tenant["id"], "no-session")
    for asked in EACH_KIND:
        assert_problem(lattice.ask(*asked, token=token), 401)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_letter_case(lattice: Lattice, scheme: str) -> None:
    authorization = f"{scheme} {lattice.register().access_token}"
    reply = lattice.ask("GET", "/api/auth/me", headers={"Authorization": authorization})
    assert reply.status_code == 200
