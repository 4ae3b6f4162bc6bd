"""The database: its connections, its transactions and the time they store.

A transaction ends *before* the reply is sent: `Reading` and `Writing` have function scope, so an
acknowledged write is a committed write, and an error in a route takes its writes back.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends
from sqlalchemy import Connection, DateTime, Dialect, MetaData, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator
from starlette.requests import HTTPConnection

BUSY_TIMEOUT_MS = 5_000
READERS = 8

# The one register of tables: every feature's `tables` module adds its own on import.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, stored and returned in UTC whatever the database makes of time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time (`ValueError`): nobody knows what it means."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a time without its zone cannot be stored"
            raise ValueError(msg)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back that SQLite forgets."""
        del dialect
        return None if value is None else value.replace(tzinfo=UTC)


def now() -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(UTC)


class Database:
    """Connections to one database.

    SQLite has one writer: all writes of this process go through one connection and wait for it
    in order of arrival. Other processes are waited for up to `BUSY_TIMEOUT_MS`.
    """

    def __init__(self, url: str) -> None:
        self._readers = create_async_engine(url, pool_size=READERS, max_overflow=0)
        self._writer = create_async_engine(url, pool_size=1, max_overflow=0)
        event.listen(self._readers.sync_engine, "connect", _prepare_reader)
        event.listen(self._readers.sync_engine, "begin", _begin_reading)
        event.listen(self._writer.sync_engine, "connect", _prepare)
        event.listen(self._writer.sync_engine, "begin", _begin_writing)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view of the data; a write through it raises `OperationalError`."""
        async with self._readers.connect() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed when the block ends, taken back when it raises.

        Everyone else's writes wait meanwhile: compute and call out before or after, not inside.
        """
        async with self._writer.begin() as connection:
            yield connection

    async def create_tables(self) -> None:
        """Create what is not there yet."""
        async with self.writing() as connection:
            await connection.run_sync(metadata.create_all)

    async def ping(self) -> None:
        """Return if the database answers a query, raise what the driver raises if not."""
        async with self.reading() as connection:
            await connection.execute(text("SELECT count(*) FROM sqlite_master"))

    async def close(self) -> None:
        """Close every connection."""
        await self._readers.dispose()
        await self._writer.dispose()


def _prepare(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    del record
    # The driver would begin transactions only at the first write: the events below do it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    # In WAL mode a crash of the process loses nothing; a power cut may lose the last moments.
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.close()


def _prepare_reader(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    _prepare(connection, record)
    cursor = connection.cursor()
    # What is written through a reader would be taken back in silence: refuse it aloud.
    cursor.execute("PRAGMA query_only = ON")
    cursor.close()


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection) -> None:
    # A transaction that reads first and writes later fails under SQLite when another process has
    # written in between: a writer says so at its beginning.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def database_of(request: HTTPConnection) -> Database:
    """Return the database of the application that serves this request."""
    database: Database = request.app.state.database
    return database


async def _reading(request: HTTPConnection) -> AsyncIterator[AsyncConnection]:
    async with database_of(request).reading() as connection:
        yield connection


async def _writing(request: HTTPConnection) -> AsyncIterator[AsyncConnection]:
    async with database_of(request).writing() as connection:
        yield connection


Reading = Annotated[AsyncConnection, Depends(_reading, scope="function")]
Writing = Annotated[AsyncConnection, Depends(_writing, scope="function")]
# For routes that compute between two transactions: a search, a password hash.
Transactions = Annotated[Database, Depends(database_of)]
