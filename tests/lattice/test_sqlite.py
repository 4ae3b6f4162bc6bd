import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from lattice.sqlite import SqliteConnection, connect


def play(path: Path, scenario: Callable[[SqliteConnection], Awaitable[None]]) -> None:
    async def run() -> None:
        connection = await connect(str(path / "file.db"), query_only=False)
        try:
            await scenario(connection)
        finally:
            await connection.close()

    asyncio.run(run())


def test_rows_are_there_when_a_statement_has_executed(tmp_path: Path) -> None:
    async def scenario(connection: SqliteConnection) -> None:
        cursor = connection.cursor()
        await cursor.execute("CREATE TABLE t (n INTEGER)")
        assert (cursor.description, await cursor.fetchall()) == (None, [])
        await cursor.executemany("INSERT INTO t VALUES (?)", [(1,), (2,), (3,)])
        assert cursor.rowcount == 3
        await cursor.execute("SELECT n FROM t WHERE n > ? ORDER BY n", (1,))
        assert cursor.description
        assert cursor.description[0][0] == "n"
        assert await cursor.fetchall() == [(2,), (3,)]

    play(tmp_path, scenario)


def test_a_statement_that_fails_says_why(tmp_path: Path) -> None:
    async def scenario(connection: SqliteConnection) -> None:
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            await connection.cursor().execute("SELECT * FROM missing")

    play(tmp_path, scenario)


def test_a_transaction_begins_with_its_first_statement_and_only_then(tmp_path: Path) -> None:
    async def scenario(connection: SqliteConnection) -> None:
        connection.begin_with("BEGIN IMMEDIATE")
        assert not connection.in_transaction
        await connection.commit()
        await connection.cursor().execute("CREATE TABLE t (n INTEGER)")
        assert not connection.in_transaction
        connection.begin_with("BEGIN IMMEDIATE")
        await connection.cursor().execute("INSERT INTO t VALUES (1)")
        assert connection.in_transaction
        await connection.rollback()
        cursor = connection.cursor()
        await cursor.execute("SELECT count(*) FROM t")
        assert await cursor.fetchall() == [(0,)]

    play(tmp_path, scenario)


def test_statements_execute_in_another_thread(tmp_path: Path) -> None:
    async def scenario(connection: SqliteConnection) -> None:
        threads: list[int] = []
        await connection.create_function("here", 0, lambda: threads.append(threading.get_ident()))
        await connection.cursor().execute("SELECT here()")
        assert threads
        assert threads[0] != threading.get_ident()

    play(tmp_path, scenario)


def test_a_query_only_connection_refuses_to_write(tmp_path: Path) -> None:
    async def scenario(connection: SqliteConnection) -> None:
        await connection.cursor().execute("CREATE TABLE t (n INTEGER)")
        reader = await connect(str(tmp_path / "file.db"), query_only=True)
        try:
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                await reader.cursor().execute("INSERT INTO t VALUES (1)")
        finally:
            await reader.close()

    play(tmp_path, scenario)


def test_a_file_that_cannot_be_opened_leaves_no_thread_behind(tmp_path: Path) -> None:
    async def scenario() -> None:
        with pytest.raises(sqlite3.OperationalError, match="unable to open"):
            await connect(str(tmp_path / "no" / "file.db"), query_only=False)
        # At once: the event loop may be closed next.
        assert not [thread for thread in threading.enumerate() if "worker" in thread.name]

    asyncio.run(scenario())
