"""SQLite connections that cross to their thread once per statement.

aiosqlite crosses for each of making a cursor, executing, fetching and closing, which costs four to
eight times as much as the statement itself. SQLAlchemy fetches all rows at once anyway.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import aiosqlite

BUSY_TIMEOUT_S = 5.0
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

    def begin_with(self, statement: str) -> None:
        """Begin a transaction; `statement` is executed when it is needed."""
        self._begin = statement

    async def in_thread(self, work: Any, *arguments: Any) -> None:
        """Call `work` with the driver's connection in this connection's thread."""
        begin, self._begin = self._begin, None
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
        await self._end(self._conn.commit)

    async def rollback(self) -> None:
        """Take the transaction's writes back."""
        await self._end(self._conn.rollback)

    async def _end(self, work: Any) -> None:
        begun, self._begin = self._begin is None, None
        if begun:
            await self._execute(work)  # type: ignore[no-untyped-call]


def is_full(error: BaseException | None) -> bool:
    """Whether a statement failed because there was no room to write to."""
    return isinstance(error, sqlite3.Error) and error.sqlite_errorcode == sqlite3.SQLITE_FULL


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
