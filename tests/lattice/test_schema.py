"""One schema: as the tables say it, as migrations make it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lattice.app  # noqa: F401 - so that every table is there
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from lattice.database import EVERY_TENANT, Database, metadata
from lattice.errors import DatabaseUnusableError
from lattice.schema import HEAD
from sqlalchemy import Connection, text

from lattice import schema
from tests.lattice.databases import PostgresDatabase, sqlite_url
from tests.lattice.processes import run_lattice


async def in_database(url: str, ask: Callable[[Connection], Any]) -> Any:
    database = Database(url)
    try:
        async with database.writing(EVERY_TENANT) as connection:
            return await connection.run_sync(ask)
    finally:
        await database.close()


def differences(connection: Connection) -> list[Any]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


def test_the_head_is_the_last_migration() -> None:
    config = Config()
    folder = Path(schema.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_migrations_make_the_tables_that_the_code_has(postgres_database: PostgresDatabase) -> None:
    assert asyncio.run(in_database(postgres_database.owner_url, differences)) == []


def test_a_file_is_the_same_made_at_once_and_migrated(tmp_path: Path) -> None:
    at_once, migrated = (_url(tmp_path, name) for name in ("at_once", "migrated"))

    async def make() -> None:
        first, second = Database(at_once), Database(migrated)
        await first.prepare()
        assert [await second.migrate() for _ in range(2)] == ["", HEAD]
        await first.close()
        await second.close()

    asyncio.run(make())
    for url in (at_once, migrated):
        assert asyncio.run(in_database(url, differences)) == []
        assert asyncio.run(in_database(url, schema.find_revision)) == HEAD
    first, second = (asyncio.run(in_database(url, _keys)) for url in (at_once, migrated))
    assert first == second


def _url(folder: Path, name: str = "lattice") -> str:
    return f"sqlite+aiosqlite:///{folder / name}.db"


def _keys(connection: Connection) -> list[Any]:
    """What `compare_metadata` does not look at: foreign keys with their actions."""
    return sorted(
        (table, *row[2:])
        for table in metadata.tables
        for row in connection.execute(text(f"PRAGMA foreign_key_list({table})"))
    )


def test_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    def from_the_future(connection: Connection) -> None:
        schema.prepare(connection, metadata)
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    asyncio.run(in_database(_url(tmp_path), from_the_future))
    done = run_lattice("migrate", settings={"LATTICE_DATABASE_URL": sqlite_url(tmp_path)})
    assert done.returncode == 2
    assert done.stderr.endswith("schema 9999, which a newer version has made.\n")


def test_a_newer_schema_is_served_by_no_older_version(tmp_path: Path) -> None:
    async def scenario() -> None:
        database = Database(_url(tmp_path), revision="0000")
        await database.prepare()
        with pytest.raises(DatabaseUnusableError, match=f"has schema {HEAD}, this version needs"):
            await database.check_schema()
        await database.close()

    asyncio.run(scenario())
