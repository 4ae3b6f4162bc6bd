"""What of a run goes into which table: plain rows, and nothing that a reply held."""

from __future__ import annotations

import json
import zlib
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table

from smokegate.client.evidence import request_in_words
from smokegate.history import tables
from smokegate.history.tables import BUCKET_COLUMNS, BUCKETS_S, RUN_BUCKETS_S
from smokegate.results import Attempt, CheckResult, Exchange, JudgedRun, Outcome

DAY_MS = 86_400_000
_PATH_CHARS = 200
_TEXT_CHARS = 2_000

Row = dict[str, Any]


def run_row(run: JudgedRun) -> Row:
    """The row of a run."""
    counts = run.verdict.counts
    return storable(
        tables.runs,
        {
            "run_id": run.run_id,
            "target": run.target,
            "environment": run.environment,
            "version": run.version,
            "tool": run.tool,
            "started_ms": milliseconds(run.started_at),
            "finished_ms": milliseconds(run.finished_at),
            "duration_s": run.duration_s,
            "action": run.verdict.action.value,
            "rule": run.verdict.rule,
            "reason": run.verdict.reason[:_TEXT_CHARS],
            "deciding": json.dumps(run.verdict.deciding),
            "partial": run.partial,
            "interrupted": bool(run.interrupted),
            "suites": json.dumps(run.suites, sort_keys=True),
            "passed": counts.passed,
            "warned": counts.warned,
            "failed": counts.failed,
            "blocked": counts.blocked,
            "unknown": counts.unknown,
            "skipped": counts.skipped,
            "flaky": counts.flaky,
            "requests": run.verdict.requests,
        },
    )


def result_row(check: CheckResult, started_ms: int) -> Row:
    """The row of a check's result, without its keys."""
    return {
        "started_ms": started_ms,
        "outcome": check.outcome.value,
        "consequence": check.consequence.value,
        "duration_s": check.duration_s,
        "flaky": check.flaky,
    }


def failure_rows(check: CheckResult) -> Iterator[Row]:
    """The expectations of a check that did not hold, warnings included, attempt by attempt."""
    for attempt in check.attempts:
        for expectation in attempt.expectations:
            if not expectation.held:
                exchange = expectation.exchange_in(attempt.exchanges)
                yield storable(
                    tables.failures,
                    {
                        "attempt": attempt.number,
                        "demand": expectation.demand[:_TEXT_CHARS],
                        "seen": expectation.seen[:_TEXT_CHARS],
                        "consequence": expectation.consequence.value,
                        "request": request_in_words(exchange) if exchange else "",
                        "status": exchange.status if exchange else None,
                    },
                )


def check_row(check: CheckResult) -> Row:
    """The row of a check."""
    row = {"check_id": check.id, "suite": check.suite, "title": check.title}
    return storable(tables.checks, row)


def storable(table: Table, row: Row) -> Row:
    """A row whose texts the database can hold, cut to the widths of their columns."""
    return {
        name: storable_text(value)[: getattr(table.c[name].type, "length", None)]
        if isinstance(value, str)
        else value
        for name, value in row.items()
    }


def storable_text(text: str) -> str:
    """Write out what a database's text cannot hold: NUL, and halves of surrogate pairs."""
    return text.replace("\0", r"\x00").encode("utf-8", "backslashreplace").decode()


def count_row(check: CheckResult) -> Row:
    """What a result adds to the counts of its check."""
    row: Row = {
        "total": 1,
        "passed": int(check.outcome.passes),
        "failed": int(check.outcome.fails),
        "warned": int(check.outcome is Outcome.WARNED),
        "unknown": int(check.outcome is Outcome.UNKNOWN),
        "flaky": int(check.flaky),
    }
    return row | _duration_row(check.duration_s, BUCKETS_S)


def run_count_row(run: JudgedRun) -> Row:
    """What a run adds to the counts of its day."""
    counted = [check for check in run.everything if is_counted(check)]
    row: Row = {
        "total": 1,
        "results": len(counted),
        "results_passed": sum(check.outcome.passes for check in counted),
    }
    return row | _duration_row(run.duration_s, RUN_BUCKETS_S)


def _duration_row(duration_s: float, bounds_s: tuple[float, ...]) -> Row:
    """A duration as it is counted; each bucket counts what is not longer."""
    first = bisect_left(bounds_s, duration_s)
    buckets = {name: int(number >= first) for number, name in enumerate(BUCKET_COLUMNS)}
    return {"duration_sum_s": duration_s, **buckets}


def is_counted(check: CheckResult) -> bool:
    """Whether a result is one at all: what was skipped says nothing."""
    return check.outcome is not Outcome.SKIPPED


def packed_timings(run: JudgedRun) -> bytes:
    """The times of every exchange that the run kept, by whom it was made."""
    owners: list[tuple[str, list[Attempt]]] = [(each.id, each.attempts) for each in run.everything]
    owners += [(each.name, each.attempts) for each in run.resources]
    exchanges = [
        [owner, *_timing(exchange)]
        for owner, attempts in owners
        for attempt in attempts
        for exchange in attempt.exchanges
    ]
    return zlib.compress(json.dumps(exchanges).encode(), 1)


def unpacked_timings(packed: bytes) -> list[list[Any]]:
    """What `packed_timings` packed."""
    exchanges: list[list[Any]] = json.loads(zlib.decompress(packed))
    return exchanges


def _timing(exchange: Exchange) -> list[Any]:
    timing = exchange.timing
    phases = (timing.dns_s, timing.connect_s, timing.tls_s, timing.wait_s, timing.receive_s)
    path = exchange.path.partition("?")[0][:_PATH_CHARS]
    seconds = [round(each, 6) for each in (exchange.started_s, *phases)]
    return [exchange.number, exchange.method, path, exchange.status, *seconds]


def milliseconds(moment: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 moment; one without an offset is in UTC."""
    parsed = datetime.fromisoformat(moment)
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return round(parsed.timestamp() * 1000)


def moment(at_ms: int) -> str:
    """A time of the history as ISO 8601 in UTC, to the second."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
