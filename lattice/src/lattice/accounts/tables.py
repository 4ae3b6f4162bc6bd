"""Users, found by their address in any letter case, and registrations that nobody has confirmed."""

from sqlalchemy import Column, ForeignKey, Integer, String, Table

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

# Each is one attempt, with the password that was given with it, and the mail that it causes: an
# outbox. Whether its address is free is seen by who sends, not by who registers.
registrations = Table(
    "registrations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("email", String(320), nullable=False),
    Column("email_key", String(640), nullable=False),
    Column("password_hash", String(255), nullable=False),
    Column("tenant_name", String(100), nullable=False),
    # Of the account, if a deployment check makes it.
    Column("lifetime_s", Integer, nullable=True),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    # Null when its mail is sent.
    Column("due_at", UtcDateTime, nullable=True, index=True),
    # One worker has it until then, by the clock of the database.
    Column("leased_until", UtcDateTime, nullable=True),
)
