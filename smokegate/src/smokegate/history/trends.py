"""Trends: what was counted day by day, of one check, of all runs, and of every check together.

Days are those of UTC, by when a run began. They are counted as runs come in, so they cover runs
that were pruned, and a question reads as many rows as there are days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Table, func, select

from smokegate.history import tables
from smokegate.history.overview import environments
from smokegate.history.rows import DAY_MS, storable_text
from smokegate.history.tables import BUCKET_COLUMNS
from smokegate.history.tallies import (
    COUNTS,
    RunTally,
    Tally,
    added,
    runs_tallied,
    tallied,
    together,
)

_EPOCH = date(1970, 1, 1).toordinal()
_RUN_COUNTS = ("total", "results", "results_passed")


class Day(Tally, frozen=True, kw_only=True):
    """The results of one day, as in 2026-01-31."""

    day: str


class CheckTally(Tally, frozen=True, kw_only=True):
    """The results of one check."""

    check: str


class SuiteTally(Tally, frozen=True, kw_only=True):
    """The results of one suite; probes are in the suite `run`."""

    suite: str


class EnvironmentTally(RunTally, frozen=True, kw_only=True):
    """The runs in one environment."""

    environment: str


class RunDay(RunTally, frozen=True, kw_only=True):
    """The runs of one day."""

    day: str


def check_days(
    connection: Connection, check: str, *, environment: str = "", since_ms: int = 0
) -> list[Day]:
    """The days on which a check had a result, in order; `check` is its id.

    The day of `since_ms` is the first, as a whole; so it is in all that follows.
    """
    there = tables.days
    key = select(tables.checks.c.id).where(tables.checks.c.check_id == storable_text(check))
    found = connection.execute(
        select(there.c.day, *_sums(there, COUNTS))
        .where(there.c.check == key.scalar_subquery(), *_within(there, environment, since_ms))
        .group_by(there.c.day)
        .order_by(there.c.day)
    )
    return [Day(day=_date(row.day), **_results(row._asdict())) for row in found]


def suite_days(
    connection: Connection, suite: str, *, environment: str = "", since_ms: int = 0
) -> list[Day]:
    """The days on which checks of a suite had results, in order; all of them together."""
    there, checks = tables.days, tables.checks
    found = connection.execute(
        select(there.c.day, *_sums(there, COUNTS))
        .join_from(there, checks, there.c.check == checks.c.id)
        .where(checks.c.suite == storable_text(suite), *_within(there, environment, since_ms))
        .group_by(there.c.day)
        .order_by(there.c.day)
    )
    return [Day(day=_date(row.day), **_results(row._asdict())) for row in found]


def check_tallies(
    connection: Connection, *, environment: str = "", since_ms: int = 0
) -> list[CheckTally]:
    """Every check that had a result since a day, in the order of their ids."""
    there, checks = tables.days, tables.checks
    summed = (
        select(there.c.check, *_sums(there, COUNTS))
        .where(*_within(there, environment, since_ms))
        .group_by(there.c.check)
        .subquery()
    )
    found = connection.execute(
        select(checks.c.check_id, *(each for each in summed.columns if each.name != "check"))
        .join_from(summed, checks, summed.c.check == checks.c.id)
        .order_by(checks.c.check_id)
    )
    return [CheckTally(check=row.check_id, **_results(row._asdict())) for row in found]


def slowest(
    connection: Connection, *, environment: str = "", since_ms: int = 0, limit: int = 10
) -> list[CheckTally]:
    """The checks with the highest p95, the slowest first."""
    tallies = check_tallies(connection, environment=environment, since_ms=since_ms)
    return slowest_first(tallies)[:limit]


def slowest_first(tallies: Iterable[CheckTally]) -> list[CheckTally]:
    """Checks by their p95."""
    return sorted(tallies, key=lambda each: (-(each.p95.value_s or 0), each.check))


def suite_tallies(tallies: Iterable[CheckTally]) -> list[SuiteTally]:
    """The suites of checks, in the order of their names."""
    suites: dict[str, list[CheckTally]] = {}
    for each in tallies:
        suites.setdefault(each.check.partition(".")[0], []).append(each)
    return [
        SuiteTally(suite=suite, **msgspec.structs.asdict(together(some)))
        for suite, some in sorted(suites.items())
    ]


def environment_tallies(connection: Connection, *, since_ms: int = 0) -> list[EnvironmentTally]:
    """Every environment that had a run since a day, in the order of their names."""
    there = tables.run_days
    found = connection.execute(
        select(there.c.environment, there.c.action, *_sums(there, _RUN_COUNTS))
        .where(*_within(there, "", since_ms))
        .group_by(there.c.environment, there.c.action)
        .order_by(there.c.environment, there.c.action)
    )
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for row in found:
        rows.setdefault(row.environment, []).append(row._asdict())
    return [EnvironmentTally(environment=name, **_runs(some)) for name, some in rows.items()]


def run_days(connection: Connection, *, environment: str = "", since_ms: int = 0) -> list[RunDay]:
    """The days on which there were runs, in order."""
    there = tables.run_days
    found = connection.execute(
        select(there.c.day, there.c.action, *_sums(there, _RUN_COUNTS))
        .where(*_within(there, environment, since_ms))
        .group_by(there.c.day, there.c.action)
        .order_by(there.c.day, there.c.action)
    )
    return _run_days(found)


def environment_days(
    connection: Connection, environments: Iterable[str], *, since_ms: int = 0
) -> dict[str, list[RunDay]]:
    """The days on which there were runs, in order, of each of some environments."""
    there = tables.run_days
    found = connection.execute(
        select(there)
        .where(there.c.environment.in_(list(environments)), there.c.day >= since_ms // DAY_MS)
        .order_by(there.c.environment, there.c.day, there.c.action)
    )
    rows: dict[str, list[Row[Any]]] = {}
    for row in found:
        rows.setdefault(row.environment, []).append(row)
    return {environment: _run_days(some) for environment, some in rows.items()}


def _sums(table: Table, names: Iterable[str]) -> list[ColumnElement[int]]:
    return [func.sum(table.c[name]).label(name) for name in (*names, *BUCKET_COLUMNS)]


def _within(table: Table, environment: str, since_ms: int) -> list[ColumnElement[bool]]:
    day = table.c.day >= since_ms // DAY_MS
    if environment:
        return [day, table.c.environment == storable_text(environment)]
    return [day, table.c.environment.in_(environments())]


def _results(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a tally from a row of sums, which are Decimals in PostgreSQL."""
    return tallied({name: int(row[name]) for name in COUNTS}, _buckets(row))


def _run_days(found: Iterable[Row[Any]]) -> list[RunDay]:
    """Days from a row for each day and verdict, in order."""
    days: dict[int, list[Mapping[str, Any]]] = {}
    for row in found:
        days.setdefault(row.day, []).append(row._asdict())
    return [RunDay(day=_date(day), **_runs(rows)) for day, rows in days.items()]


def _runs(rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The fields of a tally from a row for each verdict."""
    passed = sum(int(row["results_passed"]) for row in rows)
    results = sum(int(row["results"]) for row in rows)
    verdicts = {row["action"]: int(row["total"]) for row in rows}
    buckets = added([_buckets(row) for row in rows], len(BUCKET_COLUMNS))
    return runs_tallied(verdicts, passed, results, buckets)


def _buckets(row: Mapping[str, Any]) -> list[int]:
    return [int(row[name]) for name in BUCKET_COLUMNS]


def _date(day: int) -> str:
    return date.fromordinal(_EPOCH + day).isoformat()
