"""Receivers, and what is to be delivered to them: an outbox, written with what caused it."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from lattice.database import UtcDateTime, metadata

webhooks = Table(
    "webhooks",
    metadata,
    # The order of creation, which times and random ids do not tell.
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column(
        "tenant_id",
        String(36),
        ForeignKey("tenants.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("url", String(2048), nullable=False),
    # Names of events, a space between two.
    Column("events", String(512), nullable=False),
    Column("description", Text, nullable=True),
    Column("enabled", Boolean, nullable=False),
    # Kept as it is: signing needs it.
    Column("secret", String(128), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # Replaced by the present one, and still signed with until then.
    Column("previous_secret", String(128), nullable=True),
    Column("previous_secret_until", UtcDateTime, nullable=True),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column(
        "tenant_id",
        String(36),
        ForeignKey("tenants.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column(
        "webhook_id",
        String(36),
        ForeignKey("webhooks.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("event", String(64), nullable=False),
    # The very bytes that are signed and sent, the same at every attempt.
    Column("body", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("response_status", Integer, nullable=True),
    Column("error", Text, nullable=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("delivered_at", UtcDateTime, nullable=True),
    # Null when nothing is to be sent any more.
    Column("due_at", UtcDateTime, nullable=True),
    # One worker has it until then, by the clock of the database.
    Column("leased_until", UtcDateTime, nullable=True),
    Index("ix_deliveries_due_at", "due_at"),
)
