"""The database: its connections, its transactions and the time they store.

A transaction ends *before* the reply is sent: `Reading` and `Writing` have function scope, so an
acknowledged write is a committed write, and an error in a route takes its writes back.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import Depends
from sqlalchemy import Connection, DateTime, Dialect, MetaData, event, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator
from starlette.requests import HTTPConnection

from lattice.sqlite import SqliteConnection, connect

T = TypeVar("T")

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
    in order of arrival. Other processes are waited for up to `BUSY_TIMEOUT_S`.
    """

    def __init__(self, url: str) -> None:
        path = make_url(url).database or ""
        self._readers = _engine(url, READERS, partial(connect, path, query_only=True))
        self._writer = _engine(url, 1, partial(connect, path, query_only=False))
        # A transaction that reads first and writes later fails under SQLite when another process
        # has written in between: a writer says so at its beginning.
        event.listen(self._readers.sync_engine, "begin", _beginning_with("BEGIN"))
        event.listen(self._writer.sync_engine, "begin", _beginning_with("BEGIN IMMEDIATE"))

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


def _engine(
    url: str, connections: int, connect_one: Callable[[], Awaitable[SqliteConnection]]
) -> AsyncEngine:
    # The driver is asked for no more than `connect_one` does: its arguments are not passed on.
    return create_async_engine(
        url,
        async_creator=lambda *_, **__: connect_one(),
        pool_size=connections,
        max_overflow=0,
    )


def _beginning_with(statement: str) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, SqliteConnection)  # noqa: S101 - `_engine` makes no other
        driver.begin_with(statement)

    return begin


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Do `work` to its end even if the caller is cancelled meanwhile; then the caller is.

    For what goes on in the background, which is cancelled when the service stops: of a
    transaction that is broken off in its commit nobody knows whether it has happened.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def database_of(request: HTTPConnection) -> Database:
    """Return the database of the application that serves this request."""
    database: Database = request.app.state.database
    return database


# Asynchronous as all dependencies are: the framework would call others in a thread.
async def _database(request: HTTPConnection) -> Database:
    return database_of(request)


async def _reading(request: HTTPConnection) -> AsyncIterator[AsyncConnection]:
    async with database_of(request).reading() as connection:
        yield connection


async def _writing(request: HTTPConnection) -> AsyncIterator[AsyncConnection]:
    async with database_of(request).writing() as connection:
        yield connection


Reading = Annotated[AsyncConnection, Depends(_reading, scope="function")]
Writing = Annotated[AsyncConnection, Depends(_writing, scope="function")]
# For routes that compute between two transactions: a search, a password hash.
Transactions = Annotated[Database, Depends(_database)]
