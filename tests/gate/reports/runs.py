"""Runs made by hand, as a real engine would leave them: one for every kind of ending."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from smokegate.client.evidence import failure_in_words
from smokegate.results import (
    Action,
    Baseline,
    Consequence,
    JudgedRun,
    MissingSuite,
    Outcome,
)

from tests.gate.reports.parts import (
    HEALTH,
    TITLES,
    WORKFLOWS,
    attempt,
    blocked,
    check,
    exchange,
    failed,
    judged,
    resource,
    unmet,
)


def proceed() -> JudgedRun:
    """All passed; one was flaky, one wants a header, one does not apply."""
    headers = exchange(path="/health")
    wish = unmet(
        "header Permissions-Policy is there",
        "no such header",
        of=headers,
        consequence=Consequence.WARN,
    )
    lost = exchange("POST", "/api/lattices", None, number=3, trouble="reset", connection=2)
    said = failure_in_words(wish, headers)
    flaky = "flaky: passed on the second try, first POST /api/lattices: connection reset"
    return judged(
        check(
            "health.test_security_headers",
            Outcome.WARNED,
            attempt(Outcome.WARNED, [headers], wish, reason=said),
            warnings=[said],
        ),
        check(
            "health.test_redis_connection",
            Outcome.SKIPPED,
            attempt(
                Outcome.SKIPPED, [exchange(path="/health/redis")], reason="Redis is not configured"
            ),
        ),
        check(
            "workflows.test_bulk_operations_flow",
            Outcome.WARNED,
            attempt(Outcome.FAILED, [lost], unmet("it is answered", "connection reset", of=lost)),
            attempt(
                Outcome.PASSED,
                [exchange("POST", "/api/lattices", 201)],
                number=2,
                output="5 made\n",
            ),
            warnings=[flaky],
            reason=flaky,
            flaky=True,
            lost_connection=2,
        ),
    )


def monitor() -> JudgedRun:
    """One workflow of ten failed, and a deprecated check, which does not count."""
    usage = exchange("GET", "/api/usage")
    gone = exchange("GET", "/api/v0/usage", 404)
    old = failed(
        "workflows.test_usage_v0", gone, "status is 200", "404 'Not Found'", deprecated="1.3"
    )
    return judged(
        failed(
            "workflows.test_usage_tracking_flow",
            usage,
            "path_searches grew by 3",
            "it grew by 2",
            owner="Stripe",
        ),
        old,
        only=[*TITLES, old.id],
    )


def investigate() -> JudgedRun:
    """Two things that a rollback would not be the answer to."""
    headers = exchange(path="/health")
    sts = unmet(
        "header Strict-Transport-Security is there",
        "no such header",
        of=headers,
        consequence=Consequence.INVESTIGATE,
    )
    policy = unmet(
        "header Content-Security-Policy is there",
        "no such header",
        of=headers,
        consequence=Consequence.INVESTIGATE,
    )
    return judged(
        check(
            "health.test_security_headers",
            Outcome.FAILED,
            attempt(Outcome.FAILED, [headers], sts, policy),
        ),
        failed(
            "workflows.test_user_login_flow",
            exchange("POST", "/api/auth/login", 401, body='{"email":"a@example.com"}'),
            "status is 200",
            "401 'Invalid credentials'",
        ),
    )


def mitigated() -> JudgedRun:
    """What failed before the deployment too, what belongs to others, and what is in quarantine."""
    database = exchange(path="/health/database", status=503)
    plans = exchange("POST", "/api/subscriptions", 502)
    usage = exchange("GET", "/api/usage")
    suites = {"health": "5e1f", "workflows": "5e1f", "run": "smokegate/0.1.0"}
    return judged(
        failed("health.test_database_connection", database, "status is 200", "503"),
        failed(
            "workflows.test_subscription_flow",
            plans,
            "status is 201",
            "502",
            consequence=Consequence.ROLLBACK,
            owner="Stripe",
        ),
        failed(
            "workflows.test_usage_tracking_flow",
            usage,
            "path_searches grew by 3",
            "it grew by 2",
            quarantined_until="2025-03-01",
            quarantine_reason="counted twice in the replica, ticket 4711",
        ),
        check("workflows.test_user_login_flow", quarantined_until="2025-01-31"),
        suites=suites,
        baseline=Baseline(
            run_id="20250131-233000-facade",
            target="https://api.example.com",
            version="1.4.1",
            started_at="2025-01-31T23:30:00.000Z",
            action=Action.ROLLBACK,
            suites=suites,
            applied=[],
            failed={"health.test_database_connection": ["GET /health/database: status is 200"]},
        ),
        probes=[check("run.sampler", remarks=["200 requests on fresh connections"])],
    )


def rollback() -> JudgedRun:
    """The database is away: two checks meet it, six wait for an account in vain."""
    database = exchange(path="/health/database", status=503)
    register = exchange("POST", "/api/auth/register", 500, body='{"email":"a@example.com"}')
    account = resource(
        "account",
        Outcome.FAILED,
        attempt(
            Outcome.FAILED,
            [register],
            unmet("status is 201", "500 'could not connect to server'", of=register),
        ),
    )
    broken = attempt(
        Outcome.FAILED,
        [exchange("POST", "/api/lattices/7/pathfind")],
        reason="assert steps_are_adjacent(path) (line 88)",
        traceback=(
            "Traceback (most recent call last):\n"
            '  File "test_critical_workflows.py", line 88, in test_lattice_pathfinding_flow\n'
            "    assert steps_are_adjacent(path)\n"
            "AssertionError\n"
        ),
    )
    pathfinding = check(
        "workflows.test_lattice_pathfinding_flow",
        Outcome.FAILED,
        broken,
        msgspec.structs.replace(broken, number=2),
        failed_consequences=[Consequence.SHARE],
    )
    login = exchange("POST", "/api/auth/login", 200)
    return judged(
        failed(
            "health.test_database_connection",
            database,
            "status is 200",
            "503 'connection to server at \"db\" failed: FATAL: too many connections for role'",
        ),
        failed(
            "workflows.test_user_login_flow",
            login,
            "the wrong password is refused",
            "200",
            consequence=Consequence.ROLLBACK,
        ),
        pathfinding,
        *(blocked(each, account) for each in WORKFLOWS[2:5] + WORKFLOWS[6:9]),
        resources=[account],
    )


def down() -> JudgedRun:
    """Nothing listens: the same reason twenty-one times."""
    register = exchange("POST", "/api/auth/register", None, trouble="refused")
    silence = unmet("it is answered", "connection refused", of=register)
    said = f"POST /api/auth/register: {silence.seen}"
    account = resource(
        "account",
        Outcome.FAILED,
        attempt(Outcome.FAILED, [register], silence, reason=said),
    )
    refused = []
    for each in [*HEALTH, *WORKFLOWS[:2]]:
        asked = exchange("GET", f"/{each.rpartition('_')[2]}", None, trouble="refused")
        reason = f"GET /{each.rpartition('_')[2]}: connection refused"
        one = attempt(
            Outcome.FAILED,
            [asked],
            unmet("it is answered", "connection refused", of=asked),
            reason=reason,
        )
        refused.append(check(each, Outcome.FAILED, one))
    return judged(
        *refused,
        *(blocked(each, account) for each in WORKFLOWS[2:]),
        resources=[account],
        version="",
        down="GET /health: connection refused",
    )


def inconclusive() -> JudgedRun:
    """The runner was never let in, and one suite could not be loaded."""
    closed = exchange("GET", "/health", None, trouble="connect_timeout", detail="10 s")
    reason = f"GET /health: {closed.trouble.summary if closed.trouble else ''}"
    return judged(
        *(
            check(each, Outcome.UNKNOWN, attempt(Outcome.UNKNOWN, [closed], reason=reason))
            for each in HEALTH
        ),
        only=HEALTH,
        version="",
        missing_suites=[
            MissingSuite(
                suite="workflows",
                reason="test_critical_workflows.py: ImportError: cannot import name 'grid'",
            )
        ],
    )


def interrupted() -> JudgedRun:
    """A selection of checks, ended by a signal before two of them were, with something left."""
    unfinished = "not finished: interrupted by SIGTERM"
    return judged(
        check("workflows.test_user_login_flow", Outcome.UNKNOWN, attempts=[], reason=unfinished),
        check("workflows.test_subscription_flow", Outcome.UNKNOWN, attempts=[], reason=unfinished),
        only=WORKFLOWS[:4],
        partial=True,
        interrupted="SIGTERM",
        leftovers=["account smoketest-4f1c@example.com: DELETE /api/auth/me: connection reset"],
        notes=["the target serves several versions: 1.4.1 in 3, 1.4.2 in 9 replies"],
    )


RUNS: dict[str, Callable[[], JudgedRun]] = {
    "proceed": proceed,
    "monitor": monitor,
    "investigate": investigate,
    "mitigated": mitigated,
    "rollback": rollback,
    "down": down,
    "inconclusive": inconclusive,
    "interrupted": interrupted,
}
