"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    bytewise = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
    op.create_table(
        "checks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("check_id", sa.String(length=300), nullable=False),
        sa.Column("suite", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("check_id"),
    )
    op.create_table(
        "deployments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("environment", sa.String(length=200), nullable=False),
        sa.Column("target", sa.String(length=500), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("deployed_ms", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "deployments_by_environment", "deployments", ["environment", "deployed_ms"], unique=False
    )
    op.create_index(
        "deployments_by_target",
        "deployments",
        ["environment", "target", "deployed_ms"],
        unique=False,
    )
    op.create_index("deployments_by_time", "deployments", ["deployed_ms"], unique=False)
    op.create_index(
        "deployments_sighted",
        "deployments",
        ["environment", "target", "version"],
        unique=True,
        sqlite_where=sa.text("source = 'sighted'"),
        postgresql_where=sa.text("source = 'sighted'"),
    )
    op.create_index(
        "deployments_by_version",
        "deployments",
        ["environment", "target", "version", "deployed_ms"],
        unique=True,
    )
    op.create_table(
        "latest",
        sa.Column("environment", sa.String(length=200), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("succeeded_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("environment"),
    )
    op.create_table(
        "run_days",
        sa.Column("environment", sa.String(length=200), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("results", sa.BigInteger(), nullable=False),
        sa.Column("results_passed", sa.BigInteger(), nullable=False),
        sa.Column("duration_sum_s", sa.Float(), nullable=False),
        sa.Column("bucket_0", sa.BigInteger(), nullable=False),
        sa.Column("bucket_1", sa.BigInteger(), nullable=False),
        sa.Column("bucket_2", sa.BigInteger(), nullable=False),
        sa.Column("bucket_3", sa.BigInteger(), nullable=False),
        sa.Column("bucket_4", sa.BigInteger(), nullable=False),
        sa.Column("bucket_5", sa.BigInteger(), nullable=False),
        sa.Column("bucket_6", sa.BigInteger(), nullable=False),
        sa.Column("bucket_7", sa.BigInteger(), nullable=False),
        sa.Column("bucket_8", sa.BigInteger(), nullable=False),
        sa.Column("bucket_9", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment", "day", "action"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", bytewise, nullable=False),
        sa.Column("target", sa.String(length=500), nullable=False),
        sa.Column("environment", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("tool", sa.String(length=64), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("finished_ms", sa.BigInteger(), nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("deciding", sa.Text(), nullable=False),
        sa.Column("partial", sa.Boolean(), nullable=False),
        sa.Column("interrupted", sa.Boolean(), nullable=False),
        sa.Column("suites", sa.Text(), nullable=False),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("warned", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("blocked", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("flaky", sa.Integer(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run_id"),
    )
    op.create_index("runs_by_action", "runs", ["action", "started_ms"], unique=False)
    op.create_index("runs_by_environment", "runs", ["environment", "started_ms"], unique=False)
    op.create_index(
        "runs_by_environment_and_action",
        "runs",
        ["environment", "action", "started_ms"],
        unique=False,
    )
    op.create_index("runs_by_start", "runs", ["started_ms"], unique=False)
    op.create_index(
        "runs_by_version",
        "runs",
        ["environment", "target", "version", "action", "finished_ms"],
        unique=False,
    )
    op.create_table(
        "counters",
        sa.Column("environment", sa.String(length=200), nullable=False),
        sa.Column("check", sa.Integer(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("passed", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("warned", sa.BigInteger(), nullable=False),
        sa.Column("unknown", sa.BigInteger(), nullable=False),
        sa.Column("flaky", sa.BigInteger(), nullable=False),
        sa.Column("duration_sum_s", sa.Float(), nullable=False),
        sa.Column("bucket_0", sa.BigInteger(), nullable=False),
        sa.Column("bucket_1", sa.BigInteger(), nullable=False),
        sa.Column("bucket_2", sa.BigInteger(), nullable=False),
        sa.Column("bucket_3", sa.BigInteger(), nullable=False),
        sa.Column("bucket_4", sa.BigInteger(), nullable=False),
        sa.Column("bucket_5", sa.BigInteger(), nullable=False),
        sa.Column("bucket_6", sa.BigInteger(), nullable=False),
        sa.Column("bucket_7", sa.BigInteger(), nullable=False),
        sa.Column("bucket_8", sa.BigInteger(), nullable=False),
        sa.Column("bucket_9", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["check"],
            ["checks.id"],
        ),
        sa.PrimaryKeyConstraint("environment", "check"),
    )
    op.create_table(
        "days",
        sa.Column("check", sa.Integer(), nullable=False),
        sa.Column("environment", sa.String(length=200), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("passed", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("warned", sa.BigInteger(), nullable=False),
        sa.Column("unknown", sa.BigInteger(), nullable=False),
        sa.Column("flaky", sa.BigInteger(), nullable=False),
        sa.Column("duration_sum_s", sa.Float(), nullable=False),
        sa.Column("bucket_0", sa.BigInteger(), nullable=False),
        sa.Column("bucket_1", sa.BigInteger(), nullable=False),
        sa.Column("bucket_2", sa.BigInteger(), nullable=False),
        sa.Column("bucket_3", sa.BigInteger(), nullable=False),
        sa.Column("bucket_4", sa.BigInteger(), nullable=False),
        sa.Column("bucket_5", sa.BigInteger(), nullable=False),
        sa.Column("bucket_6", sa.BigInteger(), nullable=False),
        sa.Column("bucket_7", sa.BigInteger(), nullable=False),
        sa.Column("bucket_8", sa.BigInteger(), nullable=False),
        sa.Column("bucket_9", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["check"],
            ["checks.id"],
        ),
        sa.PrimaryKeyConstraint("check", "environment", "day"),
        sqlite_with_rowid=False,
    )
    op.create_index("days_by_environment", "days", ["environment", "day"], unique=False)
    op.create_table(
        "failures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("check", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("demand", sa.Text(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column("consequence", sa.String(length=12), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["check"],
            ["checks.id"],
        ),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("failures_by_run", "failures", ["run", "check"], unique=False)
    op.create_table(
        "labels",
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("labelled_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run"),
    )
    op.create_table(
        "results",
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("check", sa.Integer(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=8), nullable=False),
        sa.Column("consequence", sa.String(length=12), nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=False),
        sa.Column("flaky", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["check"],
            ["checks.id"],
        ),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "check"),
        sqlite_with_rowid=False,
    )
    op.create_index("results_by_check", "results", ["check", "started_ms"], unique=False)
    op.create_table(
        "timings",
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("exchanges", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run"),
    )


def downgrade() -> None:
    """There is nothing before it."""
    raise NotImplementedError
