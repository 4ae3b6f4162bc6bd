"""What SQLite and PostgreSQL write alike, and SQLAlchemy knows only as theirs."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, func


def insert_into(connection: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT."""
    return _insert(connection.dialect.name, table)


def add_to(connection: Connection, table: Table) -> Any:
    """An INSERT that adds its counts to those of a row that is there."""
    return _add(connection.dialect.name, table)


def greater_of(connection: Connection, *values: Any) -> Any:
    """The greatest of values in one row, none of which is NULL."""
    return (func.greatest if connection.dialect.name == "postgresql" else func.max)(*values)


def _insert(dialect: str, table: Table) -> Any:
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


@cache  # to build it takes longer than to run it
def _add(dialect: str, table: Table) -> Any:
    statement = _insert(dialect, table)
    keys = [column.name for column in table.primary_key]
    added = {
        column.name: column + statement.excluded[column.name]
        for column in table.columns
        if column.name not in keys
    }
    return statement.on_conflict_do_update(index_elements=keys, set_=added)
