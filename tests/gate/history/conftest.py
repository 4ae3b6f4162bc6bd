"""A history on each kind of database, empty for every test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from smokegate.history.remembering import opened
from smokegate.history.schema import HEAD
from smokegate.history.store import Store
from smokegate.history.tables import metadata

from tests.gate.history.postgres import DATABASES, new_database, postgres

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


def empty_database(request: pytest.FixtureRequest, folder: Path) -> str:
    """Make a database of the kind that a fixture is asked for, and give its URL."""
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'history.db'}"
    return new_database(request.getfixturevalue("postgres_server"), f"history_{next(_NUMBERS)}")


@pytest.fixture(scope="session")
def prepared(postgres_server: str) -> str:
    """The URL of a database with the schema, which takes less time to empty than to make."""
    url = new_database(postgres_server, "prepared")
    opened(url).close()
    return url


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with nothing in it, but for a test with a store the schema."""
    if request.param == "postgresql" and "store" in request.fixturenames:
        return emptied(request.getfixturevalue("prepared"))
    return empty_database(request, tmp_path)


def emptied(url: str) -> str:
    """Remove what a test before has left there."""
    with psycopg.connect(url) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name)))
        connection.execute("UPDATE alembic_version SET version_num = %s", (HEAD,))
    return url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened_store = opened(url)
    yield opened_store
    opened_store.close()
