"""The database: its connections, its transactions and the time they store.

A service on either database reads one state in a reading transaction. Writers wait for each other
under SQLite; under PostgreSQL a statement that counts or compares before it writes locks what it
looks at.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import Depends
from sqlalchemy import DateTime, Dialect, MetaData, Table, text
from sqlalchemy.dialects import postgresql as postgresql_dialect
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeDecorator
from starlette.requests import HTTPConnection

from lattice import postgresql, schema, sqlite
from lattice.errors import database_silent
from lattice.postgresql import PostgresServer
from lattice.sqlite import SqliteFile

T = TypeVar("T")

# For what belongs to no tenant in particular: an address that wants to log in, what is due.
EVERY_TENANT = "*"
SET_TENANT = text("SELECT set_config('lattice.tenant_id', :tenant_id, true)")
AFTER_COMMIT = "after_commit"

Insert = postgresql_dialect.Insert | sqlite_dialect.Insert

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


def insert_into(dialect: Dialect, table: Table) -> Insert:
    """Return an insertion that can say what happens on a conflict, which is the dialect's own."""
    if dialect.name == "postgresql":
        return postgresql_dialect.insert(table)
    return sqlite_dialect.insert(table)


def now() -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(UTC)


class Database:
    """Connections to one database: an SQLite file or a PostgreSQL server.

    Every transaction says which tenant it is for. PostgreSQL shows and takes no other tenant's
    rows then, even where a statement forgets to ask for one tenant's only.

    With a `revision`, the database is used once its schema has that one.
    """

    def __init__(self, url: str, revision: str | None = None) -> None:
        self.is_server = url.startswith("postgresql")
        self._kind = PostgresServer(url) if self.is_server else SqliteFile(url)
        self.name = self._kind.name
        self._awaited_revision = revision
        self._ping: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def reading(self, tenant_id: str) -> AsyncIterator[AsyncConnection]:
        """One consistent view of the data; a write through it raises `DBAPIError`."""
        await self.check_schema()
        async with _outages_named(), self._kind.readers.connect() as connection:
            await self._act_for(connection, tenant_id)
            yield connection

    @asynccontextmanager
    async def writing(self, tenant_id: str) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed when the block ends, taken back when it raises.

        Under SQLite everyone else's writes wait meanwhile: compute and call out before or after,
        not inside.
        """
        await self.check_schema()
        async with self._writing() as connection:
            await self._act_for(connection, tenant_id)
            yield connection

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        async with _outages_named(), self._kind.writers.begin() as connection:
            deeds: list[Callable[[], None]] = []
            connection.info[AFTER_COMMIT] = deeds
            yield connection
        for deed in deeds:
            deed()

    async def _act_for(self, connection: AsyncConnection, tenant_id: str) -> None:
        if self.is_server:
            await connection.execute(SET_TENANT, {"tenant_id": tenant_id})

    async def check_schema(self) -> None:
        """Return if the schema is the awaited one and the role is bound by it.

        Raises `DatabaseUnusableError` if not. Once is enough: a newer schema serves the version
        before it too.
        """
        awaited = self._awaited_revision
        if awaited is None:
            return
        async with _outages_named(), self._kind.readers.connect() as connection:
            found = await connection.run_sync(schema.find_revision)
            if self.is_server:
                await postgresql.refuse_unbound(connection)
        if found != awaited:
            raise schema.out_of_date(found, awaited)
        self._awaited_revision = None

    async def prepare(self) -> None:
        """Give an embedded file the schema of this version; a server is migrated by command."""
        if self.is_server:
            await self.check_schema()
        else:
            async with self._writing() as connection:
                await connection.run_sync(schema.prepare, metadata)

    async def migrate(self) -> str:
        """Bring the schema to this version and return the revision that it had before, or ""."""
        engine = self._kind.make_migrator()
        try:
            async with _outages_named(), engine.begin() as connection:
                return await connection.run_sync(schema.upgrade)
        finally:
            await engine.dispose()

    async def ping(self) -> None:
        """Return if the database answers and takes writes, raise `SQLAlchemyError` if not.

        Whoever asks while another asks gets that one's answer.
        """
        if self._ping is None or self._ping.done():
            self._ping = asyncio.create_task(self._kind.ping())
            # Whoever asked may have given up: then nobody is there to hear of it.
            self._ping.add_done_callback(_heard)
        async with _outages_named():
            await asyncio.shield(self._ping)

    async def close(self) -> None:
        """Close every connection."""
        if self._ping is not None:
            self._ping.cancel()
        await self._kind.close()


def _heard(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()


@asynccontextmanager
async def _outages_named() -> AsyncIterator[None]:
    """Raise `DatabaseUnusableError` for whatever shows that the database is not there."""
    try:
        yield
    # A connection that cannot be made, and one that does not answer in time.
    except (OSError, PoolTimeoutError) as error:
        raise database_silent() from error
    except DBAPIError as error:
        if outage := postgresql.unusable(error) or sqlite.unusable(error):
            raise outage from error
        raise


def after_commit(connection: AsyncConnection, deed: Callable[[], None]) -> None:
    """Do something once the transaction is committed, and not at all if it is taken back."""
    connection.info[AFTER_COMMIT].append(deed)


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


# For routes that compute between two transactions: a search, a password hash.
Transactions = Annotated[Database, Depends(_database)]
