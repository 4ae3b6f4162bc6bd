"""The tables of the history, on SQLite and on PostgreSQL alike.

Times are whole milliseconds since 1970-01-01 UTC, days are whole days since then. What is asked
often is counted as runs come in: `counters` for Prometheus, `days` and `run_days` for trends. They
outlive the runs that `history prune` removes, so none of them depends on how long the history is.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    event,
    text,
)

# Upper bounds of the durations in seconds, of a check and of a whole run; what takes longer is in
# the count alone.
BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
RUN_BUCKETS_S = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
BUCKET_COLUMNS = tuple(f"bucket_{number}" for number in range(len(BUCKETS_S)))

# Compared byte by byte, so that the index finds what an abbreviated id begins.
_BYTEWISE = String(64).with_variant(String(64, collation="C"), "postgresql")

metadata = MetaData()


def _counts() -> list[Column[int]]:
    names = ("total", "passed", "failed", "warned", "unknown", "flaky")
    return [Column(name, BigInteger, nullable=False, default=0) for name in names]


def _durations() -> list[Column[Any]]:
    buckets = [Column(name, BigInteger, nullable=False, default=0) for name in BUCKET_COLUMNS]
    return [Column("duration_sum_s", Float, nullable=False, default=0.0), *buckets]


runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", _BYTEWISE, nullable=False, unique=True),
    Column("target", String(500), nullable=False),
    Column("environment", String(200), nullable=False),
    Column("version", String(200), nullable=False),
    Column("tool", String(64), nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("finished_ms", BigInteger, nullable=False),
    Column("duration_s", Float, nullable=False),
    Column("action", String(16), nullable=False),
    Column("rule", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("deciding", Text, nullable=False),  # a JSON list of check ids
    Column("partial", Boolean, nullable=False),
    Column("interrupted", Boolean, nullable=False),
    Column("suites", Text, nullable=False),  # a JSON object of digests
    Column("passed", Integer, nullable=False),
    Column("warned", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("blocked", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("flaky", Integer, nullable=False),
    Column("requests", Integer, nullable=False),
    Index("runs_by_start", "started_ms"),
    Index("runs_by_action", "action", "started_ms"),
    Index("runs_by_environment", "environment", "started_ms"),
    Index("runs_by_environment_and_action", "environment", "action", "started_ms"),
    # The first verdict of a kind after a moment: detection, and alarms that were overturned.
    Index("runs_by_version", "environment", "target", "version", "action", "finished_ms"),
)

checks = Table(
    "checks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("check_id", String(300), nullable=False, unique=True),
    Column("suite", String(64), nullable=False),
    Column("title", Text, nullable=False),
)

results = Table(
    "results",
    metadata,
    Column("run", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("check", ForeignKey("checks.id"), primary_key=True),
    Column("started_ms", BigInteger, nullable=False),
    Column("outcome", String(8), nullable=False),
    Column("consequence", String(12), nullable=False),
    Column("duration_s", Float, nullable=False),
    Column("flaky", Boolean, nullable=False),
    Index("results_by_check", "check", "started_ms"),
    sqlite_with_rowid=False,
)

failures = Table(
    "failures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("check", ForeignKey("checks.id"), nullable=False),
    Column("attempt", SmallInteger, nullable=False),
    Column("demand", Text, nullable=False),
    Column("seen", Text, nullable=False),
    Column("consequence", String(12), nullable=False),
    Column("request", Text, nullable=False),
    Column("status", Integer, nullable=True),
    Index("failures_by_run", "run", "check"),
)

timings = Table(
    "timings",
    metadata,
    Column("run", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    # JSON in zlib: owner, number, method, path, status, and seconds by phase, of each exchange.
    Column("exchanges", LargeBinary, nullable=False),
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("environment", String(200), nullable=False),
    Column("target", String(500), nullable=False),
    Column("version", String(200), nullable=False),
    Column("deployed_ms", BigInteger, nullable=False),
    Column("source", String(16), nullable=False),  # told, marked or sighted
    Index("deployments_by_version", "environment", "target", "version", "deployed_ms", unique=True),
    Index("deployments_by_target", "environment", "target", "deployed_ms"),
    Index("deployments_by_environment", "environment", "deployed_ms"),
    Index("deployments_by_time", "deployed_ms"),
    # A version is first sighted once, however many runners see it at the same time.
    sighted := Index("deployments_sighted", "environment", "target", "version", unique=True),
)


@event.listens_for(deployments, "before_create")
def _only_what_is_sighted(_: Table, connection: Connection, **__: object) -> None:
    """Say on which rows the index is; said above, it would import both dialects each time."""
    sighted.dialect_options[connection.dialect.name]["where"] = text("source = 'sighted'")


labels = Table(
    "labels",
    metadata,
    Column("run", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("label", String(16), nullable=False),
    Column("note", Text, nullable=False),
    Column("labelled_ms", BigInteger, nullable=False),
    Column("author", String(200), nullable=False, server_default=""),  # empty: not known
)

counters = Table(
    "counters",
    metadata,
    Column("environment", String(200), primary_key=True),
    Column("check", ForeignKey("checks.id"), primary_key=True),
    *_counts(),
    *_durations(),
)

days = Table(
    "days",
    metadata,
    Column("check", ForeignKey("checks.id"), primary_key=True),
    Column("environment", String(200), primary_key=True),
    Column("day", Integer, primary_key=True),
    *_counts(),
    *_durations(),
    Index("days_by_environment", "environment", "day"),
    sqlite_with_rowid=False,
)

run_days = Table(
    "run_days",
    metadata,
    Column("environment", String(200), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("action", String(16), primary_key=True),
    Column("total", BigInteger, nullable=False, default=0),
    Column("results", BigInteger, nullable=False, default=0),  # of checks, skipped ones left out
    Column("results_passed", BigInteger, nullable=False, default=0),
    *_durations(),
)

# What stands now, one row each: asked by every scrape.
latest = Table(
    "latest",
    metadata,
    Column("environment", String(200), primary_key=True),
    # Empty, empty, empty and 0 until there is a run of all checks.
    Column("run_id", String(64), nullable=False),
    Column("version", String(200), nullable=False),
    Column("action", String(16), nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("succeeded_ms", BigInteger, nullable=True),  # when one last opened the gate
)

# What alerts have told: one row for each target, environment and set of suites that has had one.
incidents = Table(
    "incidents",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("action", String(16), nullable=False),  # the worst that was told; empty: none is open
    Column("opened_ms", BigInteger, nullable=False),
    Column("bad_runs", Integer, nullable=False),
    Column("told", Text, nullable=False),  # a JSON list of channels
    Column("told_ms", BigInteger, nullable=False),
    Column("version", String(200), nullable=False),
    Column("run_id", String(64), nullable=False),
    # Who sends what waits below, and until when nobody else does.
    Column("sender", String(64), nullable=False),
    Column("sends_until_ms", BigInteger, nullable=False),
)

# What is still to be told, in this order.
notices = Table(
    "notices",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("notice_id", String(64), nullable=False),
    Column("incident", ForeignKey("incidents.key"), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("content", Text, nullable=False),  # JSON, without secrets
    Column(
        "may_be_there", Boolean, nullable=False
    ),  # it was sent, and nobody knows what came of it
    Index("notices_once", "notice_id", "channel", unique=True),
    Index("notices_by_incident", "incident", "channel"),
)
