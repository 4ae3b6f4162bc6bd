"""A history of any size, made in the database: a year of runs, with all that is counted of them.

What is random is arithmetic with the numbers of runs and checks: the same on both databases.
"""

from __future__ import annotations

from collections.abc import Sequence

from smokegate.history.rows import packed_timings
from smokegate.history.store import Store
from smokegate.history.tables import BUCKET_COLUMNS, BUCKETS_S, RUN_BUCKETS_S, checks
from smokegate.results import JudgedRun
from sqlalchemy import Connection, text

from tests.gate.history.runs import BEGIN, run
from tests.gate.samples import attempt, exchange, result

CHECKS = 20
BEGIN_MS = round(BEGIN.timestamp() * 1000)
YEAR_MS = 365 * 86_400_000
END_MS = BEGIN_MS + YEAR_MS
_RUNS_OF_A_VERSION = 150
_AT_ONCE = 50_000  # runs in one transaction
_EXCHANGES = 20
_NUMBERS = (
    "WITH RECURSIVE numbers(n) AS (SELECT CAST(:first AS BIGINT) "
    "UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)"
)
_RUNS = f"""
INSERT INTO runs (id, run_id, target, environment, version, tool, started_ms, finished_ms,
  duration_s, action, rule, reason, deciding, partial, interrupted, suites, passed, warned, failed,
  blocked, unknown, skipped, flaky, requests)
{_NUMBERS}
SELECT n, 'run-' || CAST(10000000000 + n AS TEXT), 'https://api.example.com',
  CASE WHEN n % 5 = 0 THEN 'staging' ELSE 'production' END,
  '1.' || CAST(n / {_RUNS_OF_A_VERSION} AS TEXT) || '.0', 'smokegate',
  CAST(:begin AS BIGINT) + n * CAST(:step AS BIGINT),
  CAST(:begin AS BIGINT) + n * CAST(:step AS BIGINT) + 3000, 2 + n * 7919 % 1000 / 250.0,
  CASE WHEN n % 49 = 7 THEN 'rollback' WHEN n % 49 = 13 THEN 'investigate' ELSE 'proceed' END,
  'rule', 'a reason in a few words, as verdicts have them', '[]', FALSE, FALSE, '{{}}',
  {CHECKS}, 0, 0, 0, 0, 0, 0, 450
FROM numbers
"""
_RESULTS = """
INSERT INTO results (run, "check", started_ms, outcome, consequence, duration_s, flaky)
SELECT r.id, c.id, r.started_ms,
  CASE WHEN (CAST(r.id AS BIGINT) * 31 + c.id * 17) % 97 = 0 THEN 'failed' ELSE 'passed' END,
  'share', (CAST(r.id AS BIGINT) * 7919 + c.id * 104729) % 1000 / 8000.0 * c.id,
  (CAST(r.id AS BIGINT) * 13 + c.id * 7) % 211 = 0
FROM runs r CROSS JOIN checks c WHERE r.id BETWEEN :first AND :last ORDER BY r.id, c.id
"""
_FAILURES = """
INSERT INTO failures (run, "check", attempt, demand, seen, consequence, request, status)
SELECT run, "check", 1, 'status is 200', '503', 'share', 'GET /things', 503
FROM results WHERE outcome = 'failed' AND run BETWEEN :first AND :last
"""


def run_id_of(number: int) -> str:
    """The id of a run, from 1."""
    return f"run-{10_000_000_000 + number}"


def generate(store: Store, results: int) -> None:
    """Fill an empty history with so many results of checks."""
    number_of_runs = results // CHECKS
    with store.transaction() as connection:
        _make_checks(connection)
    for first in range(1, number_of_runs + 1, _AT_ONCE):
        last = min(first + _AT_ONCE - 1, number_of_runs)
        with store.transaction() as connection:
            _make_runs(connection, first, last, number_of_runs)
    with store.transaction() as connection:
        _count(connection)
        if connection.dialect.name == "postgresql":
            for table in ("runs", "checks"):  # whose keys were not drawn from their sequences
                sequence = f"setval(pg_get_serial_sequence('{table}', 'id'), max(id))"
                connection.execute(text(f"SELECT {sequence} FROM {table}"))


def _make_checks(connection: Connection) -> None:
    rows = [
        {
            "id": number + 1,
            "check_id": f"workflows.check_{number}",
            "suite": "workflows",
            "title": f"What check {number} does.",
        }
        for number in range(CHECKS)
    ]
    connection.execute(checks.insert(), rows)


def _make_runs(connection: Connection, first: int, last: int, of: int) -> None:
    """Runs at even distances; one of 5 in staging, one of 50 came to nothing good."""
    bounds = {"first": first, "last": last}
    connection.execute(text(_RUNS), bounds | {"begin": BEGIN_MS, "step": YEAR_MS // of})
    connection.execute(text(_RESULTS), bounds)
    connection.execute(text(_FAILURES), bounds)
    packed = packed_timings(_typical_run())
    timings = "INSERT INTO timings SELECT id, :packed FROM runs WHERE id BETWEEN :first AND :last"
    connection.execute(text(timings), bounds | {"packed": packed})


def _typical_run() -> JudgedRun:
    exchanges = tuple(exchange(number=number) for number in range(_EXCHANGES))
    return run(1, result("flow", attempts=[attempt(exchanges=exchanges)]))


def _count(connection: Connection) -> None:
    """Count what is there, as it is counted when runs come one by one."""
    names = ", ".join(("total", "passed", "failed", "warned", "unknown", "flaky", _LASTED))
    sums = ", ".join(f"sum({each.strip()})" for each in names.split(","))
    days = f"""
INSERT INTO days ("check", environment, day, {names})
SELECT "check", environment, s.started_ms / 86400000, count(*),
  count(*) - sum(CASE WHEN outcome = 'failed' THEN 1 ELSE 0 END),
  sum(CASE WHEN outcome = 'failed' THEN 1 ELSE 0 END), 0, 0,
  sum(CASE WHEN s.flaky THEN 1 ELSE 0 END), {_durations("s.duration_s", BUCKETS_S)}
FROM results s JOIN runs ON runs.id = s.run GROUP BY 1, 2, 3"""
    counters = f"""
INSERT INTO counters (environment, "check", {names})
SELECT environment, "check", {sums} FROM days GROUP BY 1, 2"""
    run_days = f"""
INSERT INTO run_days (environment, day, action, total, results, results_passed, {_LASTED})
SELECT environment, started_ms / 86400000, action, count(*), count(*) * {CHECKS},
  count(*) * {CHECKS - 1}, {_durations("duration_s", RUN_BUCKETS_S)}
FROM runs GROUP BY 1, 2, 3"""
    for statement in (days, counters, run_days, _LATEST, _DEPLOYMENTS):
        connection.execute(text(statement))


_LASTED = ", ".join(("duration_sum_s", *BUCKET_COLUMNS))
_LATEST = """
INSERT INTO latest (environment, run_id, version, action, started_ms, succeeded_ms)
SELECT environment, max(run_id), max(version), 'proceed', max(started_ms), max(finished_ms)
FROM runs GROUP BY 1"""
_DEPLOYMENTS = """
INSERT INTO deployments (environment, target, version, deployed_ms, source)
SELECT environment, target, version, min(started_ms), 'sighted' FROM runs GROUP BY 1, 2, 3"""


def _durations(name: str, bounds_s: Sequence[float]) -> str:
    within = (f"sum(CASE WHEN {name} <= {bound} THEN 1 ELSE 0 END)" for bound in bounds_s)
    return ", ".join((f"sum({name})", *within))
