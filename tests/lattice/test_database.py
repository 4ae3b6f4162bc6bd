import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import lattice.app  # noqa: F401 - so that every table is there
import pytest
from lattice.database import (
    EVERY_TENANT,
    Database,
    UtcDateTime,
    metadata,
    now,
    uninterrupted,
)
from lattice.errors import ConflictError
from lattice.security.caller import Reading, Writing
from lattice.tenants.tables import tenants
from sqlalchemy import Column, MetaData, Table, select, text, update
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import DBAPIError, StatementError

from tests.lattice.databases import PostgresDatabase
from tests.lattice.in_process import Lattice, assert_problem

INSERT = text("INSERT INTO numbers VALUES (1)")
COUNT = text("SELECT count(*) FROM numbers")


@pytest.fixture
def url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database in which tables can be made."""
    if database_kind == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'numbers.db'}"
        return
    database: PostgresDatabase = request.getfixturevalue("postgres_database")
    yield database.owner_url
    database.drop("numbers", "times")


@pytest.fixture
def sqlite_file(tmp_path: Path) -> str:
    """The URL of a file, for what is SQLite's own."""
    return f"sqlite+aiosqlite:///{tmp_path / 'numbers.db'}"


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """A database with a table of numbers."""
    database = Database(url)
    try:
        async with database.writing(EVERY_TENANT) as connection:
            await connection.execute(text("CREATE TABLE IF NOT EXISTS numbers (n INTEGER)"))
        yield database
    finally:
        await database.close()


async def count(database: Database) -> int:
    async with database.reading(EVERY_TENANT) as connection:
        return int(await connection.scalar(COUNT) or 0)


def play(url: str, scenario: Callable[[Database], Any]) -> Any:
    async def run() -> Any:
        async with opened(url) as database:
            return await asyncio.wait_for(scenario(database), 20)

    return asyncio.run(run())


def test_what_is_written_stays_and_what_raises_is_taken_back(url: str) -> None:
    async def scenario(database: Database) -> None:
        async with database.writing(EVERY_TENANT) as connection:
            await connection.execute(INSERT)
        with pytest.raises(ZeroDivisionError):
            await _write_and_raise(database)
        assert await count(database) == 1

    play(url, scenario)
    play(url, lambda database: _equals(count(database), 1))


async def _write_and_raise(database: Database) -> None:
    async with database.writing(EVERY_TENANT) as connection:
        await connection.execute(INSERT)
        raise ZeroDivisionError


async def _equals(found: Any, wanted: object) -> None:
    assert await found == wanted


def test_writing_through_a_reader_is_refused_aloud(url: str) -> None:
    async def scenario(database: Database) -> None:
        async with database.reading(EVERY_TENANT) as connection:
            with pytest.raises(DBAPIError, match=r"read-?only"):
                await connection.execute(INSERT)
        assert await count(database) == 0

    play(url, scenario)


def test_a_reader_sees_one_state_while_others_write(url: str) -> None:
    async def scenario(database: Database) -> None:
        async with database.reading(EVERY_TENANT) as reader:
            assert await reader.scalar(COUNT) == 0
            async with database.writing(EVERY_TENANT) as writer:
                await writer.execute(INSERT)
            assert await reader.scalar(COUNT) == 0
        assert await count(database) == 1

    play(url, scenario)


def test_under_sqlite_writers_take_turns_and_lose_nothing(sqlite_file: str) -> None:
    async def add_one(database: Database) -> None:
        async with database.writing(EVERY_TENANT) as connection:
            seen = int(await connection.scalar(COUNT) or 0)
            await asyncio.sleep(0)
            await connection.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": seen})

    async def scenario(database: Database) -> None:
        await asyncio.gather(*(add_one(database) for _ in range(30)))
        async with database.reading(EVERY_TENANT) as connection:
            numbers = (await connection.scalars(text("SELECT n FROM numbers"))).all()
        assert sorted(numbers) == list(range(30))

    play(sqlite_file, scenario)


def test_under_sqlite_two_processes_take_turns_too(sqlite_file: str) -> None:
    async def add_many(database: Database) -> None:
        for _ in range(20):
            async with database.writing(EVERY_TENANT) as connection:
                seen = int(await connection.scalar(COUNT) or 0)
                await connection.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": seen})

    async def scenario(database: Database) -> None:
        async with opened(sqlite_file) as another:
            await asyncio.gather(add_many(database), add_many(another))
        assert await count(database) == 40

    play(sqlite_file, scenario)


def test_foreign_keys_are_enforced_and_the_journal_is_ahead(sqlite_file: str) -> None:
    async def scenario(database: Database) -> None:
        async with database.writing(EVERY_TENANT) as connection:
            assert await connection.scalar(text("PRAGMA foreign_keys")) == 1
            assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"

    play(sqlite_file, scenario)


RENAME = update(tenants).values(name="renamed")
NAMES = select(tenants.c.name)


def test_a_write_is_committed_before_it_is_acknowledged(
    lattice: Lattice, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = lattice.register().access_token

    @lattice.app.post("/write", tags=["test"])
    async def write(transaction: Writing) -> str:
        await transaction.connection.execute(RENAME)
        if is_broken:
            monkeypatch.setattr(DefaultDialect, "do_commit", broken)
        return "done"

    def broken(*_: object) -> None:
        monkeypatch.undo()  # that the call is counted is another transaction
        raise ZeroDivisionError

    is_broken = True
    assert_problem(lattice.ask("POST", "/write", token=token), 500)
    is_broken = False
    assert lattice.execute(NAMES) == [("ada's",)]
    assert lattice.ask("POST", "/write", token=token).json() == "done"
    assert lattice.execute(NAMES) == [("renamed",)]


def test_a_refused_request_leaves_nothing_behind(lattice: Lattice) -> None:
    token = lattice.register().access_token

    @lattice.app.post("/refused", tags=["test"])
    async def refused(transaction: Writing) -> None:
        await transaction.connection.execute(RENAME)
        raise ConflictError("no")

    assert_problem(lattice.ask("POST", "/refused", token=token), 409)
    assert lattice.execute(NAMES) == [("ada's",)]


def test_a_route_that_reads_cannot_write(lattice: Lattice) -> None:
    token = lattice.register().access_token

    @lattice.app.get("/writes", tags=["test"])
    async def writes(transaction: Reading) -> None:
        await transaction.connection.execute(RENAME)

    assert lattice.ask("GET", "/writes", token=token).is_server_error
    assert lattice.execute(NAMES) == [("ada's",)]


def test_times_keep_their_instant_and_come_back_in_utc(url: str) -> None:
    times = Table("times", MetaData(), Column("at", UtcDateTime))
    east = datetime(2026, 1, 1, 1, 30, 0, 123456, timezone(timedelta(hours=2)))

    async def scenario(database: Database) -> None:
        async with database.writing(EVERY_TENANT) as connection:
            await connection.run_sync(times.metadata.create_all)
            await connection.execute(times.insert().values(at=east))
            await connection.execute(times.insert().values(at=None))
            read = (
                await connection.scalars(times.select().order_by(times.c.at.nulls_first()))
            ).all()
            later = times.select().where(times.c.at > east - timedelta(microseconds=1))
            assert len((await connection.execute(later)).all()) == 1
        assert read == [None, east]
        assert read[1].tzinfo is UTC

    play(url, scenario)


def test_a_time_without_its_zone_is_refused(url: str) -> None:
    times = Table("times", MetaData(), Column("at", UtcDateTime))

    async def scenario(database: Database) -> None:
        async with database.writing(EVERY_TENANT) as connection:
            await connection.run_sync(times.metadata.create_all)
            with pytest.raises(StatementError, match="without its zone"):
                await connection.execute(times.insert().values(at=now().replace(tzinfo=None)))

    play(url, scenario)


def test_everything_that_a_tenant_owns_goes_with_it() -> None:

    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            assert key.ondelete == "CASCADE", key
            # Without an index each removal would look through the whole table.
            indexed = [next(iter(index.columns)) for index in table.indexes]
            first_of_key = list(table.primary_key.columns)[:1]
            assert key.parent in indexed + first_of_key, key


def test_a_background_write_that_has_begun_is_ended(url: str) -> None:
    async def insert(database: Database, begun: asyncio.Event) -> None:
        async with database.writing(EVERY_TENANT) as connection:
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

    play(url, scenario)
