"""What is asked of the runs: a list of them, and one with all that hangs on it.

As every question here, these take a connection of `Store.reading`, and do not become slower as the
history grows: each walks an index as far as it shows something, or reads what was counted.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, func, select, tuple_

from smokegate.history import tables
from smokegate.history.rows import moment, storable_text, unpacked_timings

_LAST_CHARACTER = "\U0010ffff"
_runs, _labels = tables.runs, tables.labels
_SAME_IN_A_LINE = (
    "run_id", "target", "environment", "version", "duration_s", "action", "rule", "reason",
    "partial", "interrupted", "passed", "warned", "failed", "blocked", "unknown", "skipped",
    "flaky", "requests",
)  # fmt: skip


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """A run in a list. Times are ISO 8601 in UTC; `label` is empty where nobody gave one."""

    run_id: str
    target: str
    environment: str
    version: str
    started_at: str
    finished_at: str
    duration_s: float
    action: str
    rule: str
    reason: str
    partial: bool
    interrupted: bool
    passed: int
    warned: int
    failed: int
    blocked: int
    unknown: int
    skipped: int
    flaky: int
    requests: int
    label: str


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Runs, the newest first; `next_before` asks for the next page, empty on the last."""

    runs: list[RunLine]
    next_before: str


class ResultLine(msgspec.Struct, frozen=True, kw_only=True):
    """How one check of a run ended."""

    check: str
    suite: str
    title: str
    outcome: str
    consequence: str
    duration_s: float
    flaky: bool


class FailureLine(msgspec.Struct, frozen=True, kw_only=True):
    """An expectation that did not hold; `request` is empty where it was of no single one."""

    check: str
    attempt: int
    demand: str
    seen: str
    consequence: str
    request: str
    status: int | None


class ExchangeLine(msgspec.Struct, frozen=True, kw_only=True):
    """The times of one request in seconds, from the run's begin on; `owner` made it."""

    owner: str
    number: int
    method: str
    path: str
    status: int | None
    started_s: float
    dns_s: float
    connect_s: float
    tls_s: float
    wait_s: float
    receive_s: float

    @property
    def total_s(self) -> float:
        """All phases together."""
        return self.dns_s + self.connect_s + self.tls_s + self.wait_s + self.receive_s


class RememberedRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run with all that is kept of it; no bodies are.

    `note`, `author` and `labelled_at` belong to its label; they are empty where they are not known.
    """

    run: RunLine
    note: str
    author: str
    labelled_at: str
    tool: str
    suites: dict[str, str]
    deciding: list[str]
    results: list[ResultLine]
    failures: list[FailureLine]
    exchanges: list[ExchangeLine]


def runs(
    connection: Connection,
    *,
    environment: str = "",
    action: str = "",
    since_ms: int = 0,
    before: str = "",
    limit: int = 50,
) -> Page:
    """The runs that began since a moment, the newest first; only those older than a run's id.

    Of a run that is not there, none is older.
    """
    statement = (
        select_lines().order_by(_runs.c.started_ms.desc(), _runs.c.id.desc()).limit(limit + 1)
    )
    for column, value in (_runs.c.environment, environment), (_runs.c.action, action):
        if value:
            statement = statement.where(column == storable_text(value))
    if since_ms:
        statement = statement.where(_runs.c.started_ms >= since_ms)
    if before:
        statement = _only_older(statement, connection, before)
    found = [line_of(row) for row in connection.execute(statement)]
    more = len(found) > limit
    return Page(runs=found[:limit], next_before=found[limit - 1].run_id if more else "")


def _only_older(statement: Select[Any], connection: Connection, run_id: str) -> Select[Any]:
    place = select(_runs.c.started_ms, _runs.c.id).where(_runs.c.run_id == storable_text(run_id))
    found = connection.execute(place).first()
    started_ms, number = tuple(found) if found else (-1, -1)
    return statement.where(
        # Said twice, because not every planner sees the first in the second.
        _runs.c.started_ms <= started_ms,
        tuple_(_runs.c.started_ms, _runs.c.id) < (started_ms, number),
    )


def select_lines() -> Select[Any]:
    """Select what `line_of` needs, of every run."""
    moments = (_runs.c.started_ms, _runs.c.finished_ms)
    label = func.coalesce(_labels.c.label, "").label("label")
    columns = [_runs.c[name] for name in _SAME_IN_A_LINE]
    return select(*columns, *moments, label).outerjoin_from(_runs, _labels)


def line_of(row: Row[Any]) -> RunLine:
    """A run as it is listed."""
    return RunLine(
        **{name: getattr(row, name) for name in _SAME_IN_A_LINE},
        started_at=moment(row.started_ms),
        finished_at=moment(row.finished_ms),
        label=row.label,
    )


def run_ids(connection: Connection, beginning: str, *, limit: int = 2) -> list[str]:
    """The ids that begin with a text; one alone if it is the whole id."""
    beginning = storable_text(beginning)
    found = connection.scalars(
        select(_runs.c.run_id)
        .where(_runs.c.run_id >= beginning, _runs.c.run_id <= beginning + _LAST_CHARACTER)
        .order_by(_runs.c.run_id)
        .limit(limit)
    ).all()
    return [beginning] if beginning in found else list(found)


def run(connection: Connection, run_id: str) -> RememberedRun | None:
    """The run of an id; None where there is none."""
    more = [_runs.c[name] for name in ("id", "tool", "suites", "deciding")]
    more += [_labels.c[name] for name in ("note", "author", "labelled_ms")]
    statement = select_lines().add_columns(*more)
    row = connection.execute(statement.where(_runs.c.run_id == storable_text(run_id))).first()
    if row is None:
        return None
    return RememberedRun(
        run=line_of(row),
        note=row.note or "",
        author=row.author or "",
        labelled_at=moment(row.labelled_ms) if row.label else "",
        tool=row.tool,
        suites=json.loads(row.suites),
        deciding=json.loads(row.deciding),
        results=_results(connection, row.id),
        failures=failure_lines(connection, tables.failures.c.run == row.id).get(row.id, []),
        exchanges=_exchanges(connection, row.id),
    )


def _results(connection: Connection, run_key: int) -> list[ResultLine]:
    there, checks = tables.results, tables.checks
    found = connection.execute(
        select(
            checks.c.check_id.label("check"),
            checks.c.suite,
            checks.c.title,
            there.c.outcome,
            there.c.consequence,
            there.c.duration_s,
            there.c.flaky,
        )
        .join_from(there, checks)
        .where(there.c.run == run_key)
        .order_by(checks.c.check_id)
    )
    return [ResultLine(**row._mapping) for row in found]


def failure_lines(
    connection: Connection, wanted: ColumnElement[bool]
) -> dict[int, list[FailureLine]]:
    """The expectations that did not hold and fit a condition, by the key of their run."""
    there = tables.failures
    found = connection.execute(
        select(
            there.c.run,
            tables.checks.c.check_id.label("check"),
            there.c.attempt,
            there.c.demand,
            there.c.seen,
            there.c.consequence,
            there.c.request,
            there.c.status,
        )
        .join_from(there, tables.checks)
        .where(wanted)
        .order_by(there.c.id)
    )
    lines: dict[int, list[FailureLine]] = {}
    for run_key, *fields in found:
        line = FailureLine(**dict(zip(FailureLine.__struct_fields__, fields, strict=True)))
        lines.setdefault(run_key, []).append(line)
    return lines


def _exchanges(connection: Connection, run_key: int) -> list[ExchangeLine]:
    packed = select(tables.timings.c.exchanges).where(tables.timings.c.run == run_key)
    names = ExchangeLine.__struct_fields__
    return [
        ExchangeLine(**dict(zip(names, exchange, strict=True)))
        for exchange in unpacked_timings(connection.scalars(packed).one())
    ]
