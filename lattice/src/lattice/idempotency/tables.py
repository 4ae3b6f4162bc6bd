"""Keys, written with what they made and kept with the reply that said so."""

from sqlalchemy import Column, ForeignKey, String, Table, Text

from lattice.database import UtcDateTime, metadata

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column(
        "tenant_id",
        String(36),
        ForeignKey("tenants.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("key", String(255), primary_key=True),
    # Of what was asked for: the same key for something else is a mistake.
    Column("fingerprint", String(64), nullable=False),
    Column("location", String(255), nullable=True),
    # Null only inside of the transaction that makes it.
    Column("reply", Text, nullable=True),
    Column("created_at", UtcDateTime, nullable=False, index=True),
)
