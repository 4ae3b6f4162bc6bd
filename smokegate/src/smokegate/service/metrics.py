"""The history as Prometheus metrics.

The counters are those of the history, so they go on where a restart or another runner left them.
What a scrape costs depends on how many checks and environments there are, not on how many runs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from sqlalchemy import Connection, Row, select

from smokegate.history import schema
from smokegate.history.store import Store
from smokegate.history.tables import BUCKET_COLUMNS, BUCKETS_S, checks, counters, latest
from smokegate.results import Action
from smokegate.telemetry import gauges

# Names come from settings of runs: a loop that makes them up must not make series without end.
_MOST_ENVIRONMENTS = 100
_OTHERS = "(others)"
_CHECK = ("environment", "suite", "check")


class HistoryCollector:
    """Gives the metrics of a history, asked anew at each scrape."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """All families; raises `HistoryError` where the history does not answer."""
        with self._store.reading() as connection:
            schema.refuse_changed(connection)
            standing = list(connection.execute(select(latest).order_by(latest.c.started_ms.desc())))
            counted = _counted(connection)
        named = {row.environment for row in standing[:_MOST_ENVIRONMENTS]}
        yield from _of_checks(_merged(counted, named))
        yield from _of_environments(standing[:_MOST_ENVIRONMENTS])


def exposition(store: Store) -> bytes:
    """What Prometheus reads (text format 0.0.4)."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HistoryCollector(store))
    return generate_latest(registry)


class _Counts:
    """The counts of one check in one environment."""

    def __init__(self) -> None:
        self.total = self.passed = self.failed = 0
        self.duration_sum_s = 0.0
        self.buckets = [0] * len(BUCKETS_S)

    def add(self, row: Row[tuple[object, ...]]) -> None:
        there = row._mapping
        self.total += there["total"]
        self.passed += there["passed"]
        self.failed += there["failed"]
        self.duration_sum_s += there["duration_sum_s"]
        for number, name in enumerate(BUCKET_COLUMNS):
            self.buckets[number] += there[name]


def _counted(connection: Connection) -> list[Row[tuple[object, ...]]]:
    joined = select(counters, checks.c.check_id, checks.c.suite).join(
        checks, checks.c.id == counters.c.check
    )
    return list(connection.execute(joined))


def _merged(
    rows: list[Row[tuple[object, ...]]], named: set[str]
) -> dict[tuple[str, str, str], _Counts]:
    merged: dict[tuple[str, str, str], _Counts] = {}
    for row in rows:
        there = row._mapping
        environment = there["environment"] if there["environment"] in named else _OTHERS
        labels = (environment, there["suite"], there["check_id"])
        merged.setdefault(labels, _Counts()).add(row)
    return dict(sorted(merged.items()))


def _of_checks(counts: dict[tuple[str, str, str], _Counts]) -> Iterator[Metric]:
    total = CounterMetricFamily(
        "smoke_test", "Results of checks, skipped ones left out.", labels=_CHECK
    )
    passed = CounterMetricFamily("smoke_test_passed", "Checks that passed.", labels=_CHECK)
    failed = CounterMetricFamily(
        "smoke_test_failed", "Checks that failed or were blocked.", labels=_CHECK
    )
    lasted = HistogramMetricFamily(
        "smoke_test_duration_seconds", "How long checks took, second tries included.", labels=_CHECK
    )
    for labels, each in counts.items():
        total.add_metric(labels, each.total)
        passed.add_metric(labels, each.passed)
        failed.add_metric(labels, each.failed)
        bounds = map(str, BUCKETS_S)
        buckets = [*zip(bounds, map(float, each.buckets), strict=True), ("+Inf", float(each.total))]
        lasted.add_metric(labels, buckets, each.duration_sum_s)
    yield from (total, passed, failed, lasted)


def _of_environments(rows: list[Row[tuple[object, ...]]]) -> Iterator[Metric]:
    verdict = GaugeMetricFamily(
        gauges.VERDICT,
        gauges.HELP[gauges.VERDICT],
        labels=("environment", "verdict"),
    )
    names = ("environment",)
    finished = GaugeMetricFamily(gauges.BEGAN, gauges.HELP[gauges.BEGAN], labels=names)
    succeeded = GaugeMetricFamily(gauges.SUCCEEDED, gauges.HELP[gauges.SUCCEEDED], labels=names)
    age = GaugeMetricFamily(
        "smoke_run_last_success_age_seconds", "Seconds since then.", labels=names
    )
    now_s = time.time()
    for there in (row._mapping for row in rows if row._mapping["action"]):
        name = [there["environment"]]
        for action in Action:
            verdict.add_metric([*name, action.value], float(action.value == there["action"]))
        finished.add_metric(name, there["started_ms"] / 1000)
        if there["succeeded_ms"] is not None:
            succeeded.add_metric(name, there["succeeded_ms"] / 1000)
            age.add_metric(name, max(0.0, now_s - there["succeeded_ms"] / 1000))
    yield from (verdict, finished, succeeded, age)
