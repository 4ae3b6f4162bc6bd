"""Tenants: each row owns everything that carries its id, and takes it along when it goes."""

from sqlalchemy import Column, String, Table

from lattice.database import UtcDateTime, metadata

tenants = Table(
    "tenants",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("plan", String(32), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
