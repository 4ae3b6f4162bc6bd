"""Leases of deliveries, and the secret that a rotated one replaces."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add their columns, empty."""
    time = sa.DateTime(timezone=True)
    op.add_column("deliveries", sa.Column("leased_until", time, nullable=True))
    op.add_column("webhooks", sa.Column("previous_secret", sa.String(length=128), nullable=True))
    op.add_column("webhooks", sa.Column("previous_secret_until", time, nullable=True))
