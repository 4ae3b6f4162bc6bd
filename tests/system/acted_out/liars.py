"""Faults that remember: what a service would do that confuses owners, tokens and times.

Each function gives the faults of one run; what they have learned is gone with them.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from smokegate.fault_proxy import EditReply, EditRequest, Fault, Reply, Request

CREATE, ONE = "^/api/lattices$", r"^/api/lattices/([0-9a-f-]+)"
ENTRY = "^/api/auth/(register|login|refresh)$"


def acting_as_owner(method: str) -> Sequence[Fault]:
    """Whoever knows the id of a lattice acts by this method in the name of who made it."""
    owners: dict[str, str] = {}

    def learn(request: Request, reply: Reply) -> Reply:
        owners[document(reply).get("id", "")] = request.header("Authorization") or ""
        return reply

    def act(request: Request) -> Request:
        owner = owners.get(_id(request))
        return request.with_header("Authorization", owner) if owner else request

    return (
        Fault(EditReply(learn), method="POST", path=CREATE),
        Fault(EditRequest(act), method=method, path=ONE),
    )


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


def late_reads(lag_s: float) -> Sequence[Fault]:
    """A lattice cannot be read for so long after it was made."""
    made_s: dict[str, float] = {}

    def learn(request: Request, reply: Reply) -> Reply:
        made_s[document(reply).get("id", "")] = time.monotonic()
        return reply

    def hide(request: Request, reply: Reply) -> Reply:
        age_s = time.monotonic() - made_s.get(_id(request), 0.0)
        return replace(reply, status=404) if age_s < lag_s else reply

    return (
        Fault(EditReply(learn), method="POST", path=CREATE),
        Fault(EditReply(hide), method="GET", path=ONE),
    )


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
