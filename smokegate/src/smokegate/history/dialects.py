"""What SQLite and PostgreSQL write alike, and SQLAlchemy knows only as theirs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table, func


def insert_into(connection: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def greater_of(connection: Connection, *values: Any) -> Any:
    """The greatest of values in one row, none of which is NULL."""
    return (func.greatest if connection.dialect.name == "postgresql" else func.max)(*values)
