"""Users, found by their address in any letter case."""

from sqlalchemy import Column, ForeignKey, String, Table

from lattice.database import UtcDateTime, metadata

users = Table(
    "users",
    metadata,
    Column("id", String(36), primary_key=True),
    Column(
        "tenant_id",
        String(36),
        ForeignKey("tenants.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("email", String(320), nullable=False),
    # Folded by Python, not by the database: SQLite's lower() knows only ASCII.
    Column("email_key", String(640), nullable=False, unique=True),
    Column("password_hash", String(255), nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # Set for accounts that a deployment check has made.
    Column("expires_at", UtcDateTime, nullable=True, index=True),
)
