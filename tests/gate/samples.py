"""Results made by hand, with only what a test is about spelled out."""

from __future__ import annotations

from typing import Any

import msgspec
from smokegate.results import (
    Action,
    Attempt,
    Baseline,
    CheckResult,
    Consequence,
    Exchange,
    Expectation,
    MissingSuite,
    Outcome,
    Run,
    Thresholds,
    Timing,
    Trouble,
)

SUITES = {"health": "h1", "workflows": "w1", "run": "smokegate/1"}
_FAILING = (Outcome.FAILED, Outcome.BLOCKED)


def result(
    name: str,
    outcome: Outcome = Outcome.PASSED,
    *failed: Consequence,
    suite: str = "workflows",
    consequence: Consequence | None = None,
    flaky: bool = False,
    lost_connection: int | None = None,
    deprecated: str = "",
    reason: str = "",
    **changes: Any,
) -> CheckResult:
    """Make a check's result; what failed defaults to the check's own consequence."""
    own = consequence or (Consequence.SHARE if suite == "workflows" else Consequence.ROLLBACK)
    worst = sorted(failed, key=lambda each: each.severity)
    made = CheckResult(
        id=f"{suite}.{name}",
        suite=suite,
        name=name,
        title=name,
        outcome=outcome,
        consequence=worst[-1] if worst else own,
        reason=reason or ("" if outcome is Outcome.PASSED else f"why {name}"),
        blocked_by="",
        duration_s=0.1,
        attempts=[],
        failed_consequences=worst or ([own] if outcome in _FAILING else []),
        warnings=[],
        flaky=flaky,
        lost_connection=lost_connection,
        deprecated=deprecated,
    )
    return msgspec.structs.replace(made, **changes)


def workflows(passed: int, failed: int, *more: CheckResult) -> list[CheckResult]:
    """Give so many workflows that passed and so many that failed."""
    return [
        *(result(f"good{number}") for number in range(passed)),
        *(result(f"bad{number}", Outcome.FAILED) for number in range(failed)),
        *more,
    ]


def healthy(name: str = "up") -> CheckResult:
    """Give a health check that passed."""
    return result(name, suite="health")


def unmet(
    demand: str, consequence: Consequence = Consequence.ROLLBACK, exchange: int | None = None
) -> Expectation:
    """Make an expectation that did not hold."""
    return Expectation(
        demand=demand, held=False, seen="otherwise", consequence=consequence, exchange=exchange
    )


def attempt(
    *unmet: Expectation,
    exchanges: tuple[Exchange, ...] = (),
    outcome: Outcome = Outcome.FAILED,
    **changes: Any,
) -> Attempt:
    """Make an attempt that met these failures."""
    made = Attempt(
        number=1,
        outcome=outcome,
        reason="why",
        started_s=0.0,
        duration_s=0.1,
        expectations=list(unmet),
        exchanges=list(exchanges),
        requests=len(exchanges),
    )
    return msgspec.structs.replace(made, **changes)


def baseline(failed: dict[str, list[str]] | None = None, **changes: Any) -> Baseline:
    """Make a baseline of the suites "health" and "workflows" as `run_of` has them."""
    made = Baseline(
        run_id="20251231-235900-fedcba",
        target="https://api.example.com",
        version="0.9.0",
        started_at="2025-12-31T23:59:00.000Z",
        action=Action.PROCEED,
        suites=SUITES,
        applied=[],
        failed=failed or {},
    )
    return msgspec.structs.replace(made, **changes)


def run_of(
    *checks: CheckResult,
    missing: tuple[str, ...] = (),
    interrupted: str = "",
    partial: bool = False,
    thresholds: Thresholds | None = None,
    **changes: Any,
) -> Run:
    """Make a run of these checks."""
    made = Run(
        run_id="20260101-000000-abcdef",
        target="https://api.example.com",
        environment="production",
        version="1.0.0",
        started_at="2026-01-01T00:00:00.000Z",
        finished_at="2026-01-01T00:00:01.000Z",
        duration_s=1.0,
        partial=partial,
        interrupted=interrupted,
        settings={},
        thresholds=thresholds or Thresholds(),
        missing_suites=[MissingSuite(suite=name, reason=f"no {name}") for name in missing],
        resources=[],
        checks=list(checks),
        leftovers=[],
        notes=[],
        suites=SUITES,
    )
    return msgspec.structs.replace(made, **changes)


def exchange(
    *,
    status: int | None = 200,
    body: str = "",
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),),
    timing: Timing | None = None,
    trouble: Trouble | None = None,
    number: int = 1,
    **changes: Any,
) -> Exchange:
    """Make an exchange that asked GET /things?page=2."""
    made = Exchange(
        number=number,
        method="GET",
        url="https://api.example.com/things?page=2",
        started_s=0.0,
        request_headers=[],
        request_body=None,
        status=status,
        reply_headers=list(headers),
        reply_body=body,
        reply_bytes=len(body),
        http_version="HTTP/1.1",
        address="192.0.2.1:443",
        connection=0,
        fresh=True,
        sends=1,
        proxy="",
        timing=timing or Timing(),
        certificate=None,
        trouble=trouble,
        curl="",
    )
    return msgspec.structs.replace(made, **changes)
