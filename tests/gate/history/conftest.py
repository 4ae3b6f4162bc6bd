"""A history on each kind of database, empty for every test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from smokegate.history.remembering import opened
from smokegate.history.store import Store

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


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with nothing in it."""
    return empty_database(request, tmp_path)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened_store = opened(url)
    yield opened_store
    opened_store.close()
