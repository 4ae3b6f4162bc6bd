import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import lattice.app  # noqa: F401 - so that every table is there
import pytest
from lattice.database import (
    Database,
    Reading,
    UtcDateTime,
    Writing,
    metadata,
    now,
    uninterrupted,
)
from lattice.errors import ConflictError
from sqlalchemy import Column, MetaData, Table, text
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import OperationalError, StatementError

from tests.lattice.in_process import Lattice, assert_problem

INSERT = text("INSERT INTO numbers VALUES (1)")
COUNT = text("SELECT count(*) FROM numbers")


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Database]:
    """A database with a table of numbers."""
    database = Database(f"sqlite+aiosqlite:///{path / 'numbers.db'}")
    try:
        async with database.writing() as connection:
            await connection.execute(text("CREATE TABLE IF NOT EXISTS numbers (n INTEGER)"))
        yield database
    finally:
        await database.close()


async def count(database: Database) -> int:
    async with database.reading() as connection:
        return int(await connection.scalar(COUNT) or 0)


def play(path: Path, scenario: Callable[[Database], Any]) -> Any:
    async def run() -> Any:
        async with opened(path) as database:
            return await asyncio.wait_for(scenario(database), 20)

    return asyncio.run(run())


def test_what_is_written_stays_and_what_raises_is_taken_back(tmp_path: Path) -> None:
    async def scenario(database: Database) -> None:
        async with database.writing() as connection:
            await connection.execute(INSERT)
        with pytest.raises(ZeroDivisionError):
            await _write_and_raise(database)
        assert await count(database) == 1

    play(tmp_path, scenario)
    play(tmp_path, lambda database: _equals(count(database), 1))


async def _write_and_raise(database: Database) -> None:
    async with database.writing() as connection:
        await connection.execute(INSERT)
        raise ZeroDivisionError


async def _equals(found: Any, wanted: object) -> None:
    assert await found == wanted


def test_writing_through_a_reader_is_refused_aloud(tmp_path: Path) -> None:
    async def scenario(database: Database) -> None:
        async with database.reading() as connection:
            with pytest.raises(OperationalError, match="readonly"):
                await connection.execute(INSERT)
        assert await count(database) == 0

    play(tmp_path, scenario)


def test_a_reader_sees_one_state_while_others_write(tmp_path: Path) -> None:
    async def scenario(database: Database) -> None:
        async with database.reading() as reader:
            assert await reader.scalar(COUNT) == 0
            async with database.writing() as writer:
                await writer.execute(INSERT)
            assert await reader.scalar(COUNT) == 0
        assert await count(database) == 1

    play(tmp_path, scenario)


def test_writers_take_turns_and_lose_nothing(tmp_path: Path) -> None:
    async def add_one(database: Database) -> None:
        async with database.writing() as connection:
            seen = int(await connection.scalar(COUNT) or 0)
            await asyncio.sleep(0)
            await connection.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": seen})

    async def scenario(database: Database) -> None:
        await asyncio.gather(*(add_one(database) for _ in range(30)))
        async with database.reading() as connection:
            numbers = (await connection.scalars(text("SELECT n FROM numbers"))).all()
        assert sorted(numbers) == list(range(30))

    play(tmp_path, scenario)


def test_two_processes_take_turns_too(tmp_path: Path) -> None:
    async def add_many(database: Database) -> None:
        for _ in range(20):
            async with database.writing() as connection:
                seen = int(await connection.scalar(COUNT) or 0)
                await connection.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": seen})

    async def scenario(database: Database) -> None:
        async with opened(tmp_path) as another:
            await asyncio.gather(add_many(database), add_many(another))
        assert await count(database) == 40

    play(tmp_path, scenario)


def test_foreign_keys_are_enforced_and_the_journal_is_ahead(tmp_path: Path) -> None:
    async def scenario(database: Database) -> None:
        async with database.writing() as connection:
            assert await connection.scalar(text("PRAGMA foreign_keys")) == 1
            assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"

    play(tmp_path, scenario)


def test_a_write_is_committed_before_it_is_acknowledged(
    lattice: Lattice, monkeypatch: pytest.MonkeyPatch
) -> None:
    @lattice.app.post("/write", tags=["test"])
    async def write(connection: Writing) -> str:
        await connection.execute(text("CREATE TABLE written (n INTEGER)"))
        return "done"

    def full(*_: object) -> None:
        raise OSError("database or disk is full")

    monkeypatch.setattr(DefaultDialect, "do_commit", full)
    assert_problem(lattice.ask("POST", "/write"), 500)
    monkeypatch.undo()
    tables = lattice.execute(text("SELECT name FROM sqlite_master WHERE name = 'written'"))
    assert tables == []
    assert lattice.ask("POST", "/write").json() == "done"


def test_a_refused_request_leaves_nothing_behind(lattice: Lattice) -> None:

    lattice.execute(text("CREATE TABLE numbers (n INTEGER)"))

    @lattice.app.post("/refused", tags=["test"])
    async def refused(connection: Writing) -> None:
        await connection.execute(INSERT)
        raise ConflictError("no")

    assert_problem(lattice.ask("POST", "/refused"), 409)
    assert lattice.execute(COUNT) == [(0,)]


def test_a_route_that_reads_cannot_write(lattice: Lattice) -> None:
    lattice.execute(text("CREATE TABLE numbers (n INTEGER)"))

    @lattice.app.get("/writes", tags=["test"])
    async def writes(connection: Reading) -> None:
        await connection.execute(INSERT)

    assert_problem(lattice.ask("GET", "/writes"), 500)


def test_times_keep_their_instant_and_come_back_in_utc(tmp_path: Path) -> None:
    times = Table("times", MetaData(), Column("at", UtcDateTime))
    east = datetime(2026, 1, 1, 1, 30, 0, 123456, timezone(timedelta(hours=2)))

    async def scenario(database: Database) -> None:
        async with database.writing() as connection:
            await connection.run_sync(times.metadata.create_all)
            await connection.execute(times.insert().values(at=east))
            await connection.execute(times.insert().values(at=None))
            read = (await connection.scalars(times.select().order_by(times.c.at))).all()
            later = times.select().where(times.c.at > east - timedelta(microseconds=1))
            assert len((await connection.execute(later)).all()) == 1
        assert read == [None, east]
        assert read[1].tzinfo is UTC

    play(tmp_path, scenario)


def test_a_time_without_its_zone_is_refused(tmp_path: Path) -> None:
    times = Table("times", MetaData(), Column("at", UtcDateTime))

    async def scenario(database: Database) -> None:
        async with database.writing() as connection:
            await connection.run_sync(times.metadata.create_all)
            with pytest.raises(StatementError, match="without its zone"):
                await connection.execute(times.insert().values(at=now().replace(tzinfo=None)))

    play(tmp_path, scenario)


def test_everything_that_a_tenant_owns_goes_with_it() -> None:

    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            assert key.ondelete == "CASCADE", key
            # Without an index each removal would look through the whole table.
            indexed = [next(iter(index.columns)) for index in table.indexes]
            first_of_key = list(table.primary_key.columns)[:1]
            assert key.parent in indexed + first_of_key, key


def test_a_background_write_that_has_begun_is_ended(tmp_path: Path) -> None:
    async def insert(database: Database, begun: asyncio.Event) -> None:
        async with database.writing() as connection:
            await connection.execute(INSERT)
            begun.set()
            await asyncio.sleep(0.01)

    async def scenario(database: Database) -> None:
        begun = asyncio.Event()
        task = asyncio.create_task(uninterrupted(insert(database, begun)))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await count(database) == 1

    play(tmp_path, scenario)
