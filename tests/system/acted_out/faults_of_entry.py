"""Faults of who is let in, and of what they may see and do."""

from __future__ import annotations

from dataclasses import replace

from smokegate.fault_proxy import Answer, EditReply, EveryNth, Fault, Reply, Request, SetStatus
from smokegate.results import Action

from tests.system.acted_out.acts import drawn, proxied
from tests.system.acted_out.liars import (
    acting_as_owner,
    addresses_taken_twice,
    cached_for_all,
    listing_too_much,
    logins_that_tell,
    refresh_tokens_that_open,
    refresh_tokens_that_outlive,
    unsigned_tokens_that_open,
)
from tests.system.acted_out.own_lattices import second_replica
from tests.system.acted_out.rows import Wrong

LOGIN = "workflows.test_user_login_flow"
ACCESS = "workflows.test_authenticated_api_access"


def open_to_all(request: Request, reply: Reply) -> Reply:
    """Let in who shows no token."""
    is_anonymous = request.header("Authorization") is None
    return replace(reply, status=200) if is_anonymous and reply.status == 401 else reply


FAULTS = (
    Wrong(
        "F41",
        "wrong password accepted",
        "a proxy turns 401 at log-in into 200",
        (proxied(Fault(SetStatus(200, instead_of=401), method="POST", path="^/api/auth/login")),),
        LOGIN,
        Action.ROLLBACK,
    ),
    Wrong(
        "F45",
        "no token → 200",
        "a proxy turns 401 into 200 where no token was sent",
        (proxied(Fault(EditReply(open_to_all), path="^/api/")),),
        "health.test_authentication_endpoint",
        Action.ROLLBACK,
    ),
    Wrong(
        "F45b",
        "a token without a signature accepted (alg none)",
        "a proxy sends the token that it was made from instead",
        (drawn(lambda _: unsigned_tokens_that_open()),),
        "health.test_authentication_endpoint",
        Action.ROLLBACK,
    ),
    Wrong(
        "F45c",
        "a lattice is open to whoever knows its id",
        "a proxy reads, and in turn deletes, every lattice for whoever shows no token",
        (
            drawn(lambda _: acting_as_owner("GET", without_token=True)),
            drawn(lambda _: acting_as_owner("DELETE", without_token=True)),
        ),
        ACCESS,
        Action.ROLLBACK,
    ),
    Wrong(
        "F46",
        "refresh token/wrong aud accepted",
        "a proxy sends the access token in place of the refresh token that came with it",
        (drawn(lambda _: refresh_tokens_that_open()),),
        ACCESS,
        Action.ROLLBACK,
    ),
    Wrong(
        "F47",
        "revoked token works",
        "a proxy answers log-outs and does not pass them on",
        (proxied(Fault(Answer(204), path="^/api/auth/logout")),),
        LOGIN,
        Action.INVESTIGATE,
    ),
    Wrong(
        "F47b",
        "a refresh token outlives the log-out",
        "a proxy answers it with the tokens that came with it",
        (drawn(lambda _: refresh_tokens_that_outlive()),),
        LOGIN,
        Action.INVESTIGATE,
    ),
    Wrong(
        "F48",
        "valid token rejected (skew, per-replica key)",
        "every second connection leads to a replica that signs with another key",
        (second_replica({"LATTICE_SECRET": "another secret of 32 bytes or more"}, EveryNth(2)),),
        ACCESS,
        Action.INVESTIGATE,
    ),
    Wrong(
        "F50",
        "user enumeration",
        "a proxy says 404 at log-in where the address is unknown",
        (drawn(lambda _: logins_that_tell()),),
        LOGIN,
        Action.INVESTIGATE,
    ),
    Wrong(
        "F50b",
        "one address makes two accounts",
        "a proxy answers a second registration as the first one",
        (drawn(lambda _: addresses_taken_twice()),),
        "workflows.test_user_registration_flow",
        Action.ROLLBACK,
    ),
    Wrong(
        "F52",
        "A reads B's lattice",
        "a proxy reads every lattice in the name of who made it",
        (drawn(lambda _: acting_as_owner("GET")),),
        ACCESS,
        Action.ROLLBACK,
    ),
    Wrong(
        "F53",
        "A edits/deletes B's",
        "a proxy changes, and in turn deletes, every lattice in the name of who made it",
        (drawn(lambda _: acting_as_owner("PATCH")), drawn(lambda _: acting_as_owner("DELETE"))),
        ACCESS,
        Action.ROLLBACK,
    ),
    Wrong(
        "F53b",
        "A searches a path through B's lattice",
        "a proxy passes every search on in the name of who made the lattice",
        (drawn(lambda _: acting_as_owner("POST")),),
        "workflows.test_lattice_pathfinding_flow",
        Action.ROLLBACK,
    ),
    Wrong(
        "F53c",
        "a cache gives to one what it has of another",
        "a proxy answers every lattice, and in turn every account, as it was read first",
        (
            drawn(lambda _: cached_for_all("^/api/lattices/[0-9a-f-]+$")),
            drawn(lambda _: cached_for_all("^/api/auth/me$")),
        ),
        ACCESS,
        Action.ROLLBACK,
    ),
    Wrong(
        "F53d",
        "a list has what is another tenant's",
        "a proxy lists every webhook to everybody",
        (drawn(lambda _: listing_too_much("^/api/webhooks", of_all=True)),),
        "workflows.test_webhook_registration_flow",
        Action.ROLLBACK,
    ),
)
