"""Judged runs, as the history takes them in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from smokegate.results import CheckResult, JudgedRun, Outcome, Run
from smokegate.verdict import judge

from tests.gate.samples import healthy, result, run_of

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def judged(run: Run) -> JudgedRun:
    fields = {name: getattr(run, name) for name in Run.__struct_fields__}
    return JudgedRun(**fields, verdict=judge(run))


def run(number: int = 1, *checks: CheckResult, minutes: float = 0, **changes: Any) -> JudgedRun:
    """The run of this number, so many minutes after the first; two checks passed unless said."""
    started = BEGIN + timedelta(minutes=minutes)
    there = checks or (healthy(), result("flow"))
    made = run_of(
        *there,
        run_id=f"run-{number:06}",
        started_at=stamp(started),
        finished_at=stamp(started + timedelta(seconds=2)),
        duration_s=2.0,
    )
    return judged(msgspec.structs.replace(made, **changes))


def failing(number: int = 1, *, minutes: float = 0, **changes: Any) -> JudgedRun:
    """A run whose health check failed: rollback."""
    failed = result("up", Outcome.FAILED, suite="health")
    return run(number, failed, result("flow"), minutes=minutes, **changes)


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
