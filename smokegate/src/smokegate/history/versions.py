"""Versions beside each other: how runs went of each, and what changed with it.

The versions are those of the last runs. A change is said where it is beyond doubt: of shares, if
their intervals have nothing in common; of times, by the test of `comparison`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, Select, select

from smokegate.comparison import FEWEST, compare
from smokegate.history import tables
from smokegate.history.flakiness import LAST_RUNS
from smokegate.history.measures import OPENS, PASSES, Quantile, Share, quantile, share
from smokegate.history.rows import moment, storable_text
from smokegate.results import Outcome

_EXAMINED = 500  # runs
_runs, _results = tables.runs, tables.results


class VersionTally(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the runs of a version in an environment, or of a check in them.

    `began_at` is when the first of those that were looked at began; `version` is empty where the
    target did not say it. `pass_rate` is of the results of checks, `p50` and `p95` are of the
    durations of runs, or of the check. `changes` is what became of it since the version before:
    passes more, passes less, slower, faster.
    """

    environment: str
    version: str
    began_at: str
    pass_rate: Share
    p50: Quantile
    p95: Quantile
    changes: list[str]


class RunVersionTally(VersionTally, frozen=True, kw_only=True):
    """The same of whole runs, with the share of them that opened the gate."""

    opened: Share


class _Seen(NamedTuple):
    """One run, or one result of a check."""

    environment: str
    version: str
    began_ms: int
    duration_s: float
    passed: int
    results: int
    opened: bool = False


class _Group:
    """All that was seen of a version in an environment."""

    def __init__(self, environment: str, version: str, seen: list[_Seen]) -> None:
        self.environment, self.version = environment, version
        self.began_ms = min(each.began_ms for each in seen)
        self.durations_s = [each.duration_s for each in seen]
        self.pass_rate = share(
            sum(each.passed for each in seen), sum(each.results for each in seen)
        )
        self.opened = share(sum(each.opened for each in seen), len(seen))

    def told(self, before: _Group | None) -> dict[str, Any]:
        """The fields of a `VersionTally`, beside the version before."""
        return {
            "environment": self.environment,
            "version": self.version,
            "began_at": moment(self.began_ms),
            "pass_rate": self.pass_rate,
            "p50": quantile(self.durations_s, 0.5),
            "p95": quantile(self.durations_s, 0.95),
            "changes": list(_changes(before, self)) if before else [],
        }


def versions(
    connection: Connection, *, environment: str = "", since_ms: int = 0, limit: int = 10
) -> list[RunVersionTally]:
    """The versions of the last 500 runs since a moment, the newest first."""
    names = ("duration_s", "action", "passed", "warned", "failed", "blocked", "unknown")
    recent = _recent(environment, since_ms, _EXAMINED)
    rows = connection.execute(recent.add_columns(*(_runs.c[name] for name in names)))
    seen = [_seen_in(row) for row in rows]
    return [
        RunVersionTally(**group.told(before), opened=group.opened)
        for group, before in _newest(seen, limit)
    ]


def check_versions(
    connection: Connection, check: str, *, environment: str = "", since_ms: int = 0, limit: int = 10
) -> list[VersionTally]:
    """What a check came to in the last 200 runs since a moment, by version; `check` is its id."""
    recent = _recent(environment, since_ms, LAST_RUNS).add_columns(_runs.c.id).subquery("recent")
    key = select(tables.checks.c.id).where(tables.checks.c.check_id == storable_text(check))
    results = connection.execute(
        select(recent, _results.c.duration_s, _results.c.outcome)
        .join_from(recent, _results, _results.c.run == recent.c.id)
        .where(_results.c.check == key.scalar_subquery())
    )
    seen = [
        _Seen(
            environment=row.environment,
            version=row.version,
            began_ms=row.started_ms,
            duration_s=row.duration_s,
            passed=int(row.outcome in PASSES),
            results=1,
        )
        for row in results
        if row.outcome != Outcome.SKIPPED.value
    ]
    return [VersionTally(**group.told(before)) for group, before in _newest(seen, limit)]


def _recent(environment: str, since_ms: int, runs: int) -> Select[Any]:
    """The last runs since a moment, with what makes a version of an environment of them."""
    statement = select(_runs.c.environment, _runs.c.version, _runs.c.started_ms)
    if environment:
        statement = statement.where(_runs.c.environment == storable_text(environment))
    began_since = statement.where(_runs.c.started_ms >= since_ms)
    return began_since.order_by(_runs.c.started_ms.desc()).limit(runs)


def _seen_in(run: Row[Any]) -> _Seen:
    passed = run.passed + run.warned
    return _Seen(
        environment=run.environment,
        version=run.version,
        began_ms=run.started_ms,
        duration_s=run.duration_s,
        passed=passed,
        results=passed + run.failed + run.blocked + run.unknown,
        opened=run.action in OPENS,
    )


def _newest(seen: Iterable[_Seen], limit: int) -> list[tuple[_Group, _Group | None]]:
    """The newest versions, each with the one before it in its environment."""
    environments: dict[str, dict[str, list[_Seen]]] = {}
    for each in seen:
        environments.setdefault(each.environment, {}).setdefault(each.version, []).append(each)
    pairs: list[tuple[_Group, _Group | None]] = []
    for environment, there in environments.items():
        groups = [_Group(environment, version, some) for version, some in there.items()]
        groups.sort(key=lambda group: group.began_ms)
        pairs += zip(groups, [None, *groups[:-1]], strict=True)
    return sorted(pairs, key=lambda pair: -pair[0].began_ms)[:limit]


def _changes(before: _Group, after: _Group) -> Iterator[str]:
    if after.pass_rate.high < before.pass_rate.low:
        yield "passes less"
    if after.pass_rate.low > before.pass_rate.high:
        yield "passes more"
    if min(len(before.durations_s), len(after.durations_s)) < FEWEST:
        return
    if compare(after.durations_s, before.durations_s).is_slower:
        yield "slower"
    if compare(before.durations_s, after.durations_s).is_slower:
        yield "faster"
