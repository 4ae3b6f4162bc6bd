"""When a tenant subscribed and cancelled. The plan in force stands in the tenant's own row."""

from sqlalchemy import Column, ForeignKey, String, Table

from lattice.database import UtcDateTime, metadata

subscriptions = Table(
    "subscriptions",
    metadata,
    Column(
        "tenant_id",
        String(36),
        ForeignKey("tenants.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("started_at", UtcDateTime, nullable=False),
    # Null while it is active.
    Column("canceled_at", UtcDateTime, nullable=True),
)
