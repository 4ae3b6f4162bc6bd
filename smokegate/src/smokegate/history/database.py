"""How a database is reached: SQLite with many processes on one file, PostgreSQL over a network."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError

from smokegate.errors import HistoryError

# Options of a connection that does not write.
FOR_READING = {"smokegate_reads": True}
_EXAMPLE = "postgresql://user@host:5432/smokegate"
_DRIVERS = ("sqlite", "postgresql", "postgresql+psycopg")
_BUSY_S = 30
_ASKED_AGAIN_AFTER_S = 0.01
_CONNECTS_WITHIN_S = 10
_SILENT_MS = 30_000
# Words of libpq: a run waits no longer for a server that has gone than for one that is busy.
_POSTGRES = {
    "connect_timeout": _CONNECTS_WITHIN_S,
    "keepalives_idle": _CONNECTS_WITHIN_S,
    "tcp_user_timeout": _SILENT_MS,
}


def open_database(url: str) -> Engine:
    """An engine for an SQLAlchemy URL; nothing is connected to yet.

    Raises `HistoryError` for a URL that is none of ours.
    """
    _refuse_split_password(url)
    try:
        parsed = make_url(url)
        kind = parsed.drivername
        if kind not in _DRIVERS:
            raise HistoryError(f"history: {kind} is neither sqlite nor postgresql")
        return _sqlite(parsed) if kind == "sqlite" else _postgres(parsed)
    except ArgumentError as error:
        raise HistoryError(f"history: not a URL of a database: {in_one_line(error)}") from None
    except (ValueError, TypeError):  # whose text may hold a password that was read as a port
        raise HistoryError(f"history: not a URL of a database, such as {_EXAMPLE}") from None
    except ModuleNotFoundError as error:
        raise HistoryError(
            f"history: {error.name} is missing: install smokegate[postgres]"
        ) from None


def in_one_line(error: object) -> str:
    """An error of the database as one line of at most 300 characters."""
    return " ".join(str(error).split())[:300]


def _refuse_split_password(url: str) -> None:
    """Refuse a password that would be read up to its @, and shown from there as the host."""
    rest = url.partition("://")[2]
    if rest.startswith("/"):
        return  # neither a user nor a host, just a name
    if rest.count("@") > 1 or "@" in rest.partition("?")[2]:
        raise HistoryError("history: an @ in a user or password is written %40")


def _postgres(url: URL) -> Engine:
    defaults = {name: value for name, value in _POSTGRES.items() if name not in url.query}
    engine = create_engine(url, pool_pre_ping=True, connect_args=defaults)
    event.listen(engine, "begin", _wait_within_limits)
    return engine


def _wait_within_limits(connection: Connection) -> None:
    """Wait for others as long as SQLite does; for this transaction, as poolers want it."""
    connection.execute(text(f"SET LOCAL lock_timeout = '{_BUSY_S}s'"))


def _sqlite(url: URL) -> Engine:
    if url.query:
        raise HistoryError("history: a file of SQLite takes no options: leave out ? and the rest")
    _make_folder(url.database)
    engine = create_engine(url, connect_args={"timeout": _BUSY_S})
    event.listen(engine, "connect", _tune)
    event.listen(engine, "checkout", _refuse_replaced)
    event.listen(engine, "begin", _begin)
    return engine


def _make_folder(database: str | None) -> None:
    if database and database != ":memory:":
        try:
            Path(database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HistoryError(f"{database}: {error.strerror or error}") from None


def _tune(connection: Any, record: Any) -> None:
    """Let readers and one writer work side by side, and let SQLAlchemy begin transactions."""
    connection.isolation_level = None
    _write_ahead(connection)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    record.info["file"] = _file_of(connection)


def _write_ahead(connection: Any) -> None:
    """Have a file written as readers beside a writer need it, which it remembers.

    Where several are the first to do so, SQLite refuses all but one at once, whatever its timeout.
    """
    ends = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > ends:
                raise
            time.sleep(_ASKED_AGAIN_AFTER_S)
        else:
            return


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the rest says why


def _refuse_replaced(connection: Any, record: Any, _proxy: object) -> None:
    """Connect anew where the file was moved away or replaced: the old one is not the history."""
    if record.info["file"] != _file_of(connection):
        raise DisconnectionError


def _file_of(connection: Any) -> tuple[int, int] | None:
    """What file there is at the path of a connection, by device and inode."""
    path = connection.execute("PRAGMA database_list").fetchone()[2]
    try:
        there = Path(path).stat()
    except OSError:
        return None
    return there.st_dev, there.st_ino


def _begin(connection: Connection) -> None:
    """Take a writer's lock at once: a reader that becomes one is refused, not made to wait."""
    reads = connection.get_execution_options().keys() >= FOR_READING.keys()
    connection.execute(text("BEGIN" if reads else "BEGIN IMMEDIATE"))
