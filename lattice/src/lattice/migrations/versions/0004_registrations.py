"""Registrations that wait to be confirmed."""

import sqlalchemy as sa
from alembic import op
from lattice.migrations.isolation import keep_from_tenants

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make their table."""
    time = sa.DateTime(timezone=True)
    op.create_table(
        "registrations",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=640), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("tenant_name", sa.String(length=100), nullable=False),
        sa.Column("lifetime_s", sa.Integer(), nullable=True),
        sa.Column("expires_at", time, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", time, nullable=True),
        sa.Column("leased_until", time, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
    )
    op.create_index(op.f("ix_registrations_due_at"), "registrations", ["due_at"], unique=False)
    op.create_index(
        op.f("ix_registrations_expires_at"), "registrations", ["expires_at"], unique=False
    )
    keep_from_tenants("registrations")
