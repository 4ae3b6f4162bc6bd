"""Runs made by hand, as a real engine would leave them: one for every kind of ending."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from smokegate.client.evidence import failure_in_words
from smokegate.client.trouble import describe
from smokegate.results import (
    Attempt,
    CheckResult,
    Consequence,
    Exchange,
    Expectation,
    JudgedRun,
    MissingSuite,
    Outcome,
    ResourceResult,
    Run,
    Thresholds,
    Timing,
)
from smokegate.verdict import judge

URL = "https://api.example.com"
TITLES = {
    "health.test_api_server_running": "The API answers, is healthy and serves the version",
    "health.test_database_connection": "The database is connected",
    "health.test_redis_connection": "Redis is connected, where it is configured",
    "health.test_metrics_endpoint": "Metrics can be scraped and move",
    "health.test_authentication_endpoint": "Who is not logged in is turned away",
    "health.test_cors_headers": "Foreign origins get no credentials",
    "health.test_security_headers": "Replies carry the security headers",
    "health.test_error_handling": "Errors are said as JSON and show no stack trace",
    "health.test_ssl_certificate": "The certificate is valid for another 14 days",
    "health.test_api_response_time": "The API answers fast enough",
    "health.test_rate_limiting_active": "A burst ends in 429",
    "workflows.test_user_registration_flow": "A user registers, once",
    "workflows.test_user_login_flow": "A user logs in and out",
    "workflows.test_authenticated_api_access": "A tenant sees its own data and no other's",
    "workflows.test_subscription_flow": "A plan is seen, changed and cancelled",
    "workflows.test_lattice_creation_flow": "A lattice is created, read back and deleted",
    "workflows.test_lattice_pathfinding_flow": "Paths are valid and as short as they can be",
    "workflows.test_webhook_registration_flow": "A webhook is registered, delivered and deleted",
    "workflows.test_usage_tracking_flow": "Usage counts exactly what was done",
    "workflows.test_error_recovery_flow": "After an error the next request works",
    "workflows.test_bulk_operations_flow": "Many lattices are created in one go",
}
HEALTH = [each for each in TITLES if each.startswith("health.")]
WORKFLOWS = [each for each in TITLES if each.startswith("workflows.")]


def exchange(
    method: str = "GET",
    path: str = "/health",
    status: int | None = 200,
    *,
    number: int = 1,
    trouble: str = "",
    detail: str = "",
    body: str | None = None,
    **changes: Any,
) -> Exchange:
    """Make one exchange; without a status, its trouble is one of the table's."""
    curl = f"curl --include --request {method} {URL}{path}"
    made = Exchange(
        number=number,
        method=method,
        url=URL + path,
        started_s=0.01,
        request_headers=[("Accept", "application/json")],
        request_body=body,
        status=status,
        reply_headers=[] if status is None else [("Content-Type", "application/json")],
        reply_body=None if status is None else "{}",
        reply_bytes=0 if status is None else 2,
        http_version="" if status is None else "HTTP/2",
        address="" if status is None else "192.0.2.10:443",
        connection=None if status is None else 0,
        fresh=number == 1,
        sends=1,
        proxy="",
        timing=Timing(dns_s=0.001, connect_s=0.002, tls_s=0.004, wait_s=0.008, total_s=0.015),
        certificate=None,
        trouble=describe(trouble, detail) if trouble else None,
        curl=curl + (f" --data-raw '{body}'" if body else ""),
    )
    return msgspec.structs.replace(made, **changes)


def unmet(
    demand: str,
    seen: str,
    *,
    of: Exchange | None = None,
    consequence: Consequence = Consequence.ROLLBACK,
) -> Expectation:
    """Make an expectation that did not hold."""
    return Expectation(
        demand=demand,
        held=False,
        seen=seen,
        consequence=consequence,
        exchange=of.number if of else None,
    )


def attempt(
    outcome: Outcome,
    exchanges: list[Exchange],
    *failed: Expectation,
    reason: str = "",
    **changes: Any,
) -> Attempt:
    """Make an attempt whose reason is that of its first failed expectation."""
    if failed and not reason:
        asked = next((each for each in exchanges if each.number == failed[0].exchange), None)
        reason = failure_in_words(failed[0], asked)
    made = Attempt(
        number=1,
        outcome=outcome,
        reason=reason,
        started_s=0.01,
        duration_s=0.02,
        expectations=list(failed),
        exchanges=exchanges,
    )
    return msgspec.structs.replace(made, **changes)


def check(
    check_id: str, outcome: Outcome = Outcome.PASSED, *tries: Attempt, **changes: Any
) -> CheckResult:
    """Make a check's result; its reason and consequence follow from its last attempt."""
    suite, _, name = check_id.partition(".")
    own = Consequence.ROLLBACK if suite == "health" else Consequence.SHARE
    attempts = list(tries) or [attempt(outcome, [exchange()])]
    failed = {each.consequence for each in attempts[-1].expectations if not each.held}
    if outcome not in (Outcome.FAILED, Outcome.BLOCKED):
        failed = set()
    consequences = sorted(failed, key=lambda each: each.severity)
    made = CheckResult(
        id=check_id,
        suite=suite,
        name=name,
        title=TITLES.get(check_id, ""),
        outcome=outcome,
        consequence=consequences[-1] if consequences else own,
        reason=attempts[-1].reason,
        blocked_by="",
        duration_s=0.02 * len(attempts),
        attempts=attempts,
        failed_consequences=consequences,
        warnings=[],
    )
    return msgspec.structs.replace(made, **changes)


def failed(check_id: str, asked: Exchange, demand: str, seen: str, **changes: Any) -> CheckResult:
    """Make a check that failed on one expectation."""
    own = Consequence.ROLLBACK if check_id.startswith("health.") else Consequence.SHARE
    consequence = changes.pop("consequence", own)
    one = attempt(Outcome.FAILED, [asked], unmet(demand, seen, of=asked, consequence=consequence))
    return check(check_id, Outcome.FAILED, one, **changes)


def blocked(check_id: str, root: ResourceResult) -> CheckResult:
    """Make a check that waited for a resource in vain."""
    made = check(check_id, Outcome.BLOCKED)
    return msgspec.structs.replace(
        made,
        attempts=[],
        blocked_by=root.name,
        reason=f"blocked by {root.name}: {root.reason}",
        failed_consequences=[made.consequence],
        duration_s=0.0,
    )


def resource(name: str, outcome: Outcome, *tries: Attempt) -> ResourceResult:
    """Make a resource that every workflow needs."""
    return ResourceResult(
        name=name,
        outcome=outcome,
        reason=tries[-1].reason,
        needed_by=WORKFLOWS,
        duration_s=0.05,
        attempts=list(tries),
        exchanges=[each for one in tries for each in one.exchanges],
    )


def judged(*changed: CheckResult, only: list[str] | None = None, **changes: Any) -> JudgedRun:
    """Make a run of all checks, passed but for those that are given, with its verdict."""
    by_id = {each.id: each for each in changed}
    ids = list(TITLES) if only is None else only
    run = Run(
        run_id="20250131-235958-c0ffee",
        target=URL,
        environment="production",
        version="1.4.2",
        started_at="2025-01-31T23:59:58.250Z",
        finished_at="2025-02-01T00:00:00.500Z",
        duration_s=2.25,
        partial=False,
        interrupted="",
        settings={"url": URL, "strict": False},
        thresholds=Thresholds(),
        missing_suites=[],
        resources=[],
        checks=[by_id.get(each) or check(each) for each in ids],
        leftovers=[],
        notes=[],
        tool="smokegate/0.1.0",
    )
    run = msgspec.structs.replace(run, **changes)
    fields = {name: getattr(run, name) for name in Run.__struct_fields__}
    return JudgedRun(**fields, verdict=judge(run))


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
            owner="team-billing",
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
    "rollback": rollback,
    "down": down,
    "inconclusive": inconclusive,
    "interrupted": interrupted,
}


_FROM_TARGET = frozenset(
    {
        "reason", "seen", "demand", "version", "output", "traceback", "summary", "next_step",
        "curl", "address", "title", "owner", "environment", "tool", "http_version",
    }
)  # fmt: skip
_LISTS_FROM_TARGET = frozenset({"causes", "warnings", "leftovers", "notes"})


def poisoned(run: JudgedRun, text: str) -> JudgedRun:
    """Put a text wherever something from the target could stand in a run."""
    replaced: JudgedRun = msgspec.convert(_poisoned(msgspec.to_builtins(run), text), JudgedRun)
    return replaced


def _poisoned(value: Any, text: str) -> Any:
    if isinstance(value, list):
        return [_poisoned(each, text) for each in value]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for key, part in value.items():
        if key in _FROM_TARGET:
            made[key] = text
        elif key in _LISTS_FROM_TARGET:
            made[key] = [text, text]
        elif key == "url":
            made[key] = f"{part}/{text}"
        else:
            made[key] = _poisoned(part, text)
    return made
