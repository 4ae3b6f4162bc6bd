"""Who labelled a run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Labels that are there have no author."""
    author = sa.Column("author", sa.String(length=200), nullable=False, server_default="")
    op.add_column("labels", author)


def downgrade() -> None:
    """Forget who labelled."""
    op.drop_column("labels", "author")
