"""What alerts have told, and what they still have to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Incidents, and what is to be told of them."""
    op.create_table(
        "incidents",
        sa.Column("key", sa.String(length=64), primary_key=True),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("opened_ms", sa.BigInteger, nullable=False),
        sa.Column("bad_runs", sa.Integer, nullable=False),
        sa.Column("told", sa.Text, nullable=False),
        sa.Column("told_ms", sa.BigInteger, nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("sender", sa.String(length=64), nullable=False),
        sa.Column("sends_until_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("notice_id", sa.String(length=64), nullable=False),
        sa.Column("incident", sa.String(length=64), sa.ForeignKey("incidents.key"), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("made_ms", sa.BigInteger, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("may_be_there", sa.Boolean, nullable=False),
    )
    op.create_index("notices_once", "notices", ["notice_id", "channel"], unique=True)
    op.create_index("notices_by_incident", "notices", ["incident", "channel"])


def downgrade() -> None:
    """Forget incidents, and what is to be told."""
    op.drop_table("notices")
    op.drop_table("incidents")
