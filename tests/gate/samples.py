"""Results made by hand, with only what a test is about spelled out."""

from __future__ import annotations

from smokegate.results import (
    CheckResult,
    Consequence,
    Exchange,
    MissingSuite,
    Outcome,
    Run,
    Thresholds,
    Timing,
    Trouble,
)

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
) -> CheckResult:
    """Make a check's result; what failed defaults to the check's own consequence."""
    own = consequence or (Consequence.SHARE if suite == "workflows" else Consequence.ROLLBACK)
    worst = sorted(failed, key=lambda each: each.severity)
    return CheckResult(
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


def run_of(
    *checks: CheckResult,
    missing: tuple[str, ...] = (),
    interrupted: str = "",
    partial: bool = False,
    thresholds: Thresholds | None = None,
) -> Run:
    """Make a run of these checks."""
    return Run(
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
    )


def exchange(
    *,
    status: int | None = 200,
    body: str = "",
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),),
    timing: Timing | None = None,
    trouble: Trouble | None = None,
    number: int = 1,
) -> Exchange:
    """Make an exchange that asked GET /things?page=2."""
    return Exchange(
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
