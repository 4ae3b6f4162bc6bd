"""SQLite connections that cross to their thread once per statement.

aiosqlite crosses for each of making a cursor, executing, fetching and closing, which costs four to
eight times as much as the statement itself. SQLAlchemy fetches all rows at once anyway.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any

import aiosqlite
from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from lattice.errors import DatabaseUnusableError, database_silent

BUSY_TIMEOUT_S = 5.0
READERS = 8
CHUNK_ROWS = 64


class SqliteCursor:
    """A cursor as SQLAlchemy's asyncio adapter uses it: its rows are there once it has executed."""

    def __init__(self, connection: "SqliteConnection") -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Sequence[Any] | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> "SqliteCursor":
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Execute a statement and fetch its rows."""
        await self._connection.in_thread(self._execute, statement, parameters)

    async def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute a statement once per row of parameters."""
        await self._connection.in_thread(self._executemany, statement, rows)

    async def fetchall(self) -> list[Any]:
        """Return the rows."""
        return self._rows

    async def close(self) -> None:
        """Do nothing: the driver's cursor was closed when its rows were fetched."""

    def _execute(self, driver: sqlite3.Connection, statement: str, row: Sequence[Any]) -> None:
        self._keep(driver.execute(statement, row))

    def _executemany(
        self, driver: sqlite3.Connection, statement: str, rows: Iterable[Sequence[Any]]
    ) -> None:
        self._keep(driver.executemany(statement, rows))

    def _keep(self, cursor: sqlite3.Cursor) -> None:
        self.description = cursor.description
        self._rows = cursor.fetchall() if cursor.description else []
        self.rowcount = cursor.rowcount
        self.lastrowid = cursor.lastrowid
        cursor.close()


class SqliteConnection(aiosqlite.Connection):
    """A connection whose transactions begin together with their first statement."""

    _begin: str | None = None
    _has_begun = False

    def begin_with(self, statement: str) -> None:
        """Begin a transaction; `statement` is executed when it is needed."""
        self._begin = statement

    async def in_thread(self, work: Any, *arguments: Any) -> None:
        """Call `work` with the driver's connection in this connection's thread."""
        begin, self._begin = self._begin, None
        self._has_begun = self._has_begun or begin is not None
        await self._execute(self._work, begin, work, *arguments)  # type: ignore[no-untyped-call]

    def _work(self, begin: str | None, work: Any, *arguments: Any) -> None:
        if begin:
            self._conn.execute(begin).close()
        work(self._conn, *arguments)

    def cursor(self) -> SqliteCursor:  # type: ignore[override]
        """Return a cursor."""
        return SqliteCursor(self)

    async def commit(self) -> None:
        """Make the transaction's writes last."""
        if self._has_begun:
            await self._execute(self._conn.commit)  # type: ignore[no-untyped-call]
        self._has_begun, self._begin = False, None

    async def rollback(self) -> None:
        """Take the transaction's writes back, before anything else is done here."""
        if self._has_begun:
            # Nobody waits for it: what comes next waits in the same queue.
            self._tx.put_nowait((None, self._conn.rollback))
        self._has_begun, self._begin = False, None


class SqliteFile:
    """The engines of one database file.

    SQLite has one writer: all writes of this process go through one connection and wait for it
    in order of arrival. Other processes are waited for up to `BUSY_TIMEOUT_S`.
    """

    def __init__(self, url: str) -> None:
        self.name = url
        path = make_url(url).database or ""
        self.readers = _engine(url, READERS, partial(connect, path, query_only=True))
        self.writers = _engine(url, 1, partial(connect, path, query_only=False))
        self._prober = _engine(url, 1, partial(connect, path, query_only=True))
        # A transaction that reads first and writes later fails under SQLite when another process
        # has written in between: a writer says so at its beginning.
        event.listen(self.readers.sync_engine, "begin", _beginning_with("BEGIN"))
        event.listen(self.writers.sync_engine, "begin", _beginning_with("BEGIN IMMEDIATE"))

    def make_migrator(self) -> AsyncEngine:
        """Return an engine to change the schema with."""
        return self.writers

    async def ping(self) -> None:
        """Return if the file answers a query, raise what the driver raises if not."""
        # Over a connection of its own: whether all others are busy is another question.
        async with self._prober.connect() as connection:
            await connection.execute(text("SELECT count(*) FROM sqlite_master"))

    async def close(self) -> None:
        """Close every connection."""
        await self.readers.dispose()
        await self.writers.dispose()
        await self._prober.dispose()


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


def is_full(error: BaseException | None) -> bool:
    """Whether a statement failed because there was no room to write to."""
    return isinstance(error, sqlite3.Error) and error.sqlite_errorcode == sqlite3.SQLITE_FULL


def unusable(error: DBAPIError) -> DatabaseUnusableError | None:
    """Return the outage that an error tells of, or None: then something else is wrong."""
    driver = error.orig
    busy = isinstance(driver, sqlite3.Error) and driver.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return database_silent() if busy else None


async def connect(path: str, *, query_only: bool) -> SqliteConnection:
    """Open a database file; a `query_only` connection refuses to write."""

    def connector() -> sqlite3.Connection:
        # No transactions of the driver's own making: they would begin at the first write only.
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        for pragma in _pragmas(query_only=query_only):
            connection.execute(f"PRAGMA {pragma}").close()
        return connection

    connection = SqliteConnection(connector, CHUNK_ROWS)
    # A thread that still waits for a statement must not keep the process alive.
    connection._thread.daemon = True
    try:
        await connection
    except BaseException:
        # The thread is ending and still speaks to the event loop, which may be closed next.
        connection._thread.join()
        raise
    return connection


def _pragmas(*, query_only: bool) -> Sequence[str]:
    return (
        "journal_mode = WAL",
        # In WAL mode a crash of the process loses nothing; a power cut may lose the last moments.
        "synchronous = NORMAL",
        "foreign_keys = ON",
        # What is written through a reader would be taken back in silence: refuse it aloud.
        f"query_only = {'ON' if query_only else 'OFF'}",
    )
