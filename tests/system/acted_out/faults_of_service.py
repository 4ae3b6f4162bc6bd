"""Faults of what is found, delivered, deployed and limited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smokegate.fault_proxy import (
    Answer,
    EditJson,
    EveryNth,
    Fault,
    Latency,
    SetField,
    SetStatus,
)
from smokegate.results import Action, JudgedRun

from tests.system.acted_out.acts import as_it_is, proxied, slower_than_before
from tests.system.acted_out.own_lattices import second_replica
from tests.system.acted_out.rows import Wrong

PATHS = "workflows.test_lattice_pathfinding_flow"
WEBHOOKS = "workflows.test_webhook_registration_flow"
PATHFIND = "/pathfind$"
NEXT_VERSION = "99.0.0"
QUEUED = b'{"delivery_id": "f72", "event": "webhook.test", "status": "pending"}'
OTHER_KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def leaping(found: Any) -> Any:
    """A path that leaps over everything between its ends."""
    if isinstance(found, dict) and found.get("path"):
        found["path"] = [found["path"][0], found["path"][-1]]
        found["length"] = found["cost"] = 1
    return found


def wandering(found: Any) -> Any:
    """A path that first goes a step there and back."""
    if isinstance(found, dict) and found.get("path"):
        first, second, *_ = found["path"]
        found["path"] = [first, second, *found["path"]]
        found["length"], found["cost"] = found["length"] + 2, found["cost"] + 2
    return found


def denying(found: Any) -> Any:
    """No way where there is one."""
    return found | {"path": None, "length": None, "cost": None, "reachable": False}


def inventing(found: Any) -> Any:
    """A way where there is none."""
    if found.get("path"):
        return found
    return found | {"path": [[0, 0, 0], [3, 3, 3]], "length": 1, "cost": 1, "reachable": True}


def of_old_version(runs: Sequence[JudgedRun]) -> int:
    """Count the runs that met another version than the next."""
    return sum(run.version not in ("", NEXT_VERSION) for run in runs)


FAULTS = (
    Wrong(
        "F67",
        "path through obstacle",
        "a proxy leaves out all between the ends of every path",
        (proxied(Fault(EditJson(leaping), path=PATHFIND)),),
        PATHS,
        Action.ROLLBACK,
    ),
    Wrong(
        "F68",
        "not shortest",
        "a proxy puts a step there and back before every path",
        (proxied(Fault(EditJson(wandering), path=PATHFIND)),),
        PATHS,
        Action.ROLLBACK,
    ),
    Wrong(
        "F70",
        'false "no path" or invented path',
        "a proxy denies every path, and in turn invents one where there is none",
        (
            proxied(Fault(EditJson(denying), path=PATHFIND)),
            proxied(Fault(EditJson(inventing), path=PATHFIND)),
        ),
        PATHS,
        Action.ROLLBACK,
    ),
    Wrong(
        "F72",
        "webhook never sent",
        "a proxy answers test deliveries and does not pass them on",
        (
            proxied(
                Fault(Answer(202, QUEUED, "application/json"), path="^/api/webhooks/[^/]+/test$"),
            ),
        ),
        WEBHOOKS,
        Action.MONITOR,
    ),
    Wrong(
        "F73",
        "webhook signature wrong",
        "a proxy tells another key than deliveries are signed with; a receiver is set",
        (
            proxied(
                Fault(SetField(("secret",), OTHER_KEY), method="POST", path="^/api/webhooks$"),
                webhook_receiver="127.0.0.1",
            ),
        ),
        WEBHOOKS,
        Action.MONITOR,
    ),
    Wrong(
        "F77",
        "1-of-N old version",
        "every third connection leads to a replica of another version",
        (second_replica({"LATTICE_VERSION": "0.0.1"}, EveryNth(3)),),
        "run.settling",
        Action.INVESTIGATE,
    ),
    Wrong(
        "F78",
        "nothing deployed (old SHA everywhere)",
        "the next version is expected, and Lattice is as it was",
        (as_it_is(of_old_version, "--expect-version", NEXT_VERSION),),
        "run.settling",
        Action.INVESTIGATE,
    ),
    Wrong(
        "F79",
        "p95 times 5",
        "a proxy holds every reply back for 250 ms, after a control run with 50 ms",
        (slower_than_before(0.05, 0.25),),
        "health.test_api_response_time",
        Action.INVESTIGATE,
    ),
    Wrong(
        "F79b",
        "the API is slow and its health quick",
        "a proxy holds every account back for 1.5 s",
        (proxied(Fault(Latency(1.5), path="^/api/auth/me$")),),
        "health.test_api_response_time",
        Action.INVESTIGATE,
    ),
    Wrong(
        "F81",
        "limiter off",
        "a proxy turns every 429 into 200",
        (proxied(Fault(SetStatus(200, instead_of=429)), rate_limit_cap=150),),
        "health.test_rate_limiting_active",
        Action.INVESTIGATE,
    ),
    Wrong(
        "F81b",
        "limiter that lets nobody ask",
        "a proxy answers 429 to whoever wants to see an account",
        (proxied(Fault(Answer(429, headers=(("Retry-After", "60"),)), path="^/api/auth/me$")),),
        "health.test_rate_limiting_active",
        Action.INVESTIGATE,
    ),
    Wrong(
        "F85",
        "required Redis down",
        "a proxy lets /health/redis say that it was refused; redis = required",
        (
            proxied(
                Fault(SetField(("message",), "connection refused"), path="^/health/redis$"),
                redis="required",
            ),
        ),
        "health.test_redis_connection",
        Action.ROLLBACK,
    ),
)
