"""One row for each tenant and UTC day on which it did something."""

from sqlalchemy import BigInteger, Column, Date, ForeignKey, String, Table

from lattice.database import metadata

usage_days = Table(
    "usage_days",
    metadata,
    Column(
        "tenant_id",
        String(36),
        ForeignKey("tenants.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("day", Date, primary_key=True),
    Column("calls", BigInteger, nullable=False),
    Column("lattices_created", BigInteger, nullable=False),
    Column("path_searches", BigInteger, nullable=False),
)
