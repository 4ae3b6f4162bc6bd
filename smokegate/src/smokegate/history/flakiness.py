"""Which checks change their minds while nothing changes: of the last runs, result by result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Subquery, select

from smokegate.history import tables
from smokegate.history.measures import FAILS, Place, Result, Share, flips, share
from smokegate.history.rows import storable_text
from smokegate.history.trends import check_tallies

LAST_RUNS = 200


class Flaky(msgspec.Struct, frozen=True, kw_only=True):
    """A check that changes its mind; `retries` are results that passed on a second try only."""

    check: str
    flips: Share
    retries: Share


def check_flips(
    connection: Connection,
    check: str,
    *,
    environment: str = "",
    since_ms: int = 0,
    runs: int = LAST_RUNS,
) -> Share:
    """How often a check flipped in the last runs since a moment; `check` is its id."""
    check = storable_text(check)
    flipped = _flips(connection, _recent(environment, since_ms, runs), [check])
    return flipped.get(check, share(0, 0))


def flakiest(
    connection: Connection,
    *,
    environment: str = "",
    since_ms: int = 0,
    runs: int = LAST_RUNS,
    limit: int = 10,
) -> list[Flaky]:
    """The checks that flipped or passed on a second try only, the worst first.

    Ordered by the lower bound of whichever rate is worse: one flip of one pair says little. Flips
    are those of the last runs since a moment, second tries those of all since its day.
    """
    tallies = check_tallies(connection, environment=environment, since_ms=since_ms)
    retries = {each.check: each.retries for each in tallies}
    recent = _recent(environment, since_ms, runs)
    suspects = {check for check, found in retries.items() if found.part}
    flipped = _flips(connection, recent, suspects | _failing(connection, recent))
    there = [
        Flaky(check=check, flips=found, retries=retries.get(check, share(0, 0)))
        for check, found in flipped.items()
    ]
    there = [each for each in there if each.flips.part or each.retries.part]
    return sorted(there, key=lambda each: (-_surely(each), each.check))[:limit]


def _surely(flaky: Flaky) -> float:
    return max(flaky.flips.low, flaky.retries.low)


def _recent(environment: str, since_ms: int, runs: int) -> Subquery:
    there = tables.runs
    columns = (there.c.id, there.c.environment, there.c.target, there.c.version)
    statement = select(*columns, there.c.finished_ms).where(there.c.started_ms >= since_ms)
    if environment:
        statement = statement.where(there.c.environment == storable_text(environment))
    return statement.order_by(there.c.started_ms.desc()).limit(runs).subquery("recent")


def _failing(connection: Connection, recent: Subquery) -> set[str]:
    """The checks that failed in these runs; no other can have flipped."""
    there = tables.results
    failing = (
        select(there.c.check)
        .join_from(recent, there, there.c.run == recent.c.id)
        .where(there.c.outcome.in_(sorted(FAILS)))
    )
    found = select(tables.checks.c.check_id).where(tables.checks.c.id.in_(failing))
    return set(connection.scalars(found))


def _flips(connection: Connection, recent: Subquery, checks: Iterable[str]) -> dict[str, Share]:
    results: dict[str, list[Result]] = {}
    for row in connection.execute(_results(recent, checks)):
        place = (row.environment, row.target)
        result = Result(place, row.version, row.finished_ms, row.outcome)
        results.setdefault(row.check_id, []).append(result)
    deployed = _deployed(connection, [each for some in results.values() for each in some])
    return {check: flips(some, deployed) for check, some in results.items()}


def _results(recent: Subquery, checks: Iterable[str]) -> Any:
    there, names = tables.results, tables.checks
    columns = [each for each in recent.columns if each.name != "id"]
    # A sum is in no index: so no planner walks all results that a check ever had.
    key = there.c.check + 0
    return (
        select(*columns, names.c.check_id, there.c.outcome)
        .join_from(recent, there, there.c.run == recent.c.id)
        .join(names, names.c.id == key)
        .where(names.c.check_id.in_(sorted(checks)))
    )


def _deployed(connection: Connection, results: Sequence[Result]) -> dict[Place, list[int]]:
    """When something was deployed where these results come from, since the first of them."""
    if not results:
        return {}
    there = tables.deployments
    found = connection.execute(
        select(there.c.environment, there.c.target, there.c.deployed_ms)
        .where(
            there.c.environment.in_(sorted({result.place[0] for result in results})),
            there.c.deployed_ms >= min(result.at_ms for result in results),
        )
        .order_by(there.c.deployed_ms)
    )
    deployed: dict[Place, list[int]] = {}
    for row in found:
        deployed.setdefault((row.environment, row.target), []).append(row.deployed_ms)
    return deployed
