"""The parts that runs are made of by hand, with only what a test is about spelled out."""

from __future__ import annotations

from typing import Any

import msgspec
from smokegate.client.evidence import failure_in_words
from smokegate.client.whose import describe
from smokegate.results import (
    Attempt,
    CheckResult,
    Consequence,
    Exchange,
    Expectation,
    JudgedRun,
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
        requests=len(exchanges),
        requests_s=sum(each.timing.total_s for each in exchanges),
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
