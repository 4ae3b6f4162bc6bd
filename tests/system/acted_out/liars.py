"""Faults that remember: what a service would do that confuses owners, tokens and times.

Each function gives the faults of one run; what they have learned is gone with them.
"""

from __future__ import annotations

import json
import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from smokegate.fault_proxy import EditReply, EditRequest, Fault, Reply, Request

CREATE, ONE = "^/api/lattices$", r"^/api/lattices/([0-9a-f-]+)"
ENTRY = "^/api/auth/(register|login|refresh)$"


def acting_as_owner(method: str, *, without_token: bool = False) -> Sequence[Fault]:
    """Whoever knows the id of a lattice acts by this method in the name of who made it.

    With `without_token` only who shows no token does.
    """
    owners: dict[str, str] = {}

    def learn(request: Request, reply: Reply) -> Reply:
        owners[document(reply).get("id", "")] = request.header("Authorization") or ""
        return reply

    def act(request: Request) -> Request:
        owner = owners.get(_id(request))
        is_meant = not without_token or request.header("Authorization") is None
        return request.with_header("Authorization", owner) if owner and is_meant else request

    return (
        Fault(EditReply(learn), method="POST", path=CREATE),
        Fault(EditRequest(act), method=method, path=ONE),
    )


def unsigned_tokens_that_open() -> Sequence[Fault]:
    """A token that says that it has no signature does what the one does that it was made from."""
    issued: dict[str, str] = {}

    def learn(request: Request, reply: Reply) -> Reply:
        token = document(reply).get("access_token", "")
        issued[token.partition(".")[2].partition(".")[0]] = f"Bearer {token}"
        return reply

    def believe(request: Request) -> Request:
        header, payload, *_ = (*(request.header("Authorization") or "").split("."), "", "")
        said = header.removeprefix("Bearer ")
        is_unsigned = b'"none"' in urlsafe_b64decode(said + "==") if payload in issued else False
        return request.with_header("Authorization", issued[payload]) if is_unsigned else request

    return Fault(EditReply(learn), path=ENTRY), Fault(EditRequest(believe))


def refresh_tokens_that_outlive() -> Sequence[Fault]:
    """A refresh token opens its session again that has ended."""
    sessions: dict[str, Reply] = {}

    def learn(request: Request, reply: Reply) -> Reply:
        sessions[document(reply).get("refresh_token", "")] = reply
        return reply

    def revive(request: Request, reply: Reply) -> Reply:
        session = sessions.get(document(request).get("refresh_token", ""))
        return replace(session, status=200) if session and reply.status == 401 else reply

    return (
        Fault(EditReply(learn), path="^/api/auth/login"),
        Fault(EditReply(revive), path="^/api/auth/refresh"),
    )


def addresses_taken_twice() -> Sequence[Fault]:
    """A registration of an address that has an account is answered as the first one was."""
    made: dict[str, Reply] = {}

    def answer(request: Request, reply: Reply) -> Reply:
        email = document(request).get("email", "")
        if reply.status == 201:
            made[email] = reply
        return made.get(email, reply)

    return (Fault(EditReply(answer), path="^/api/auth/register"),)


def refresh_tokens_that_open() -> Sequence[Fault]:
    """A refresh token does what the access token does that came with it."""
    access: dict[str, str] = {}

    def learn(request: Request, reply: Reply) -> Reply:
        tokens = document(reply)
        if "refresh_token" in tokens:
            access[f"Bearer {tokens['refresh_token']}"] = f"Bearer {tokens['access_token']}"
        return reply

    def swap(request: Request) -> Request:
        token = access.get(request.header("Authorization") or "")
        return request.with_header("Authorization", token) if token else request

    return Fault(EditReply(learn), path=ENTRY), Fault(EditRequest(swap))


def logins_that_tell() -> Sequence[Fault]:
    """A log-in says 404 instead of 401 where nobody has registered the address."""
    known: set[str] = set()

    def learn(request: Request, reply: Reply) -> Reply:
        known.add(document(request).get("email", ""))
        return reply

    def tell(request: Request, reply: Reply) -> Reply:
        is_unknown = document(request).get("email", "") not in known
        return replace(reply, status=404) if reply.status == 401 and is_unknown else reply

    return (
        Fault(EditReply(learn), method="POST", path="^/api/auth/register"),
        Fault(EditReply(tell), method="POST", path="^/api/auth/login"),
    )


def cached_for_all(path: str) -> Sequence[Fault]:
    """What was read once is answered from then on, whoever asks."""
    cache: dict[str, Reply] = {}

    def answer(request: Request, reply: Reply) -> Reply:
        if reply.status == 200:
            cache.setdefault(request.target, reply)
        return cache.get(request.target, reply)

    return (Fault(EditReply(answer), method="GET", path=path),)


def listing_too_much(path: str, *, of_all: bool) -> Sequence[Fault]:
    """A list has what its owner has deleted, or with `of_all` what anybody has made."""
    made: dict[str, tuple[str, dict[str, Any]]] = {}

    def learn(request: Request, reply: Reply) -> Reply:
        thing = document(reply)
        if reply.status == 201:
            made[thing["id"]] = request.header("Authorization") or "", thing
        return reply

    def add(request: Request, reply: Reply) -> Reply:
        page, who = document(reply), request.header("Authorization")
        items = {item["id"]: item for item in page.get("items", ())}
        more = {key: thing for key, (owner, thing) in made.items() if of_all or owner == who}
        return reply.with_body(json.dumps(page | {"items": [*(more | items).values()]}).encode())

    return (
        Fault(EditReply(learn), method="POST", path=f"{path}$"),
        Fault(EditReply(add), method="GET", path=rf"{path}(\?|$)"),
    )


def late_reads(lag_s: float) -> Sequence[Fault]:
    """A lattice that was made cannot be read for so long."""
    made: set[str] = set()
    is_late = _lagging(lag_s)

    def learn(request: Request, reply: Reply) -> Reply:
        made.add(document(reply).get("id", ""))
        return reply

    def hide(request: Request, reply: Reply) -> Reply:
        name = _id(request)
        return replace(reply, status=404) if name in made and is_late(name) else reply

    return (
        Fault(EditReply(learn), method="POST", path=CREATE),
        Fault(EditReply(hide), method="GET", path=ONE),
    )


def late_log_outs(lag_s: float) -> Sequence[Fault]:
    """A session that was ended goes on for so long."""
    ended: set[str] = set()
    account: dict[str, Reply] = {}
    is_late = _lagging(lag_s)

    def learn(request: Request, reply: Reply) -> Reply:
        ended.add(request.header("Authorization") or "")
        return reply

    def go_on(request: Request, reply: Reply) -> Reply:
        token = request.header("Authorization") or ""
        if reply.status == HTTPStatus.OK:
            account[token] = reply
        return account.get(token, reply) if token in ended and is_late(token) else reply

    return (
        Fault(EditReply(learn), path="^/api/auth/logout$"),
        Fault(EditReply(go_on), method="GET", path="^/api/auth/me$"),
    )


def _lagging(lag_s: float) -> Callable[[str], bool]:
    """Whether somebody who asks for a name is told what was: for so long after the first did.

    Counted from what is done to it, it could be over on a busy machine before anybody looks.
    """
    first_s: dict[str, float] = {}

    def is_late(name: str) -> bool:
        now_s = time.monotonic()
        return now_s - first_s.setdefault(name, now_s) < lag_s

    return is_late


def document(message: Reply | Request) -> dict[str, Any]:
    """The JSON object in a body, an empty one if it is something else."""
    try:
        found = json.loads(message.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _id(request: Request) -> str:
    found = re.match(ONE, request.target)
    return found[1] if found else ""
