"""Lattices, their grids kept as JSON: they are read and written whole."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from lattice.database import UtcDateTime, metadata

lattices = Table(
    "lattices",
    metadata,
    # The order of creation, which times and random ids do not tell.
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column(
        "tenant_id",
        String(36),
        ForeignKey("tenants.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("name", String(200), nullable=False),
    Column("description", Text, nullable=True),
    Column("dimensions", Text, nullable=False),
    Column("connectivity", String(16), nullable=False),
    # Counted apart: a list of lattices does not read what may be a megabyte each.
    Column("obstacle_count", Integer, nullable=False),
    Column("obstacles", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_lattices_tenant_id_number", "tenant_id", "number"),
)
