"""A history on each kind of database, empty for every test; golden files, and how to renew them.

UPDATE_GOLDEN=1 .venv/bin/python -m pytest tests/gate/history
git diff tests/gate/history/golden
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from smokegate.history.remembering import opened
from smokegate.history.store import Store

from tests.gate.history.postgres import new_database, postgres

FOLDER = Path(__file__).parent / "golden"

Golden = Callable[[str, str], None]
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'history.db'}"
    return new_database(request.getfixturevalue("postgres_server"), f"history_{next(_NUMBERS)}")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened_store = opened(url)
    yield opened_store
    opened_store.close()


@pytest.fixture
def golden() -> Golden:
    """Compare a text with the golden file of this name."""

    def compare(name: str, text: str) -> None:
        path = FOLDER / name
        if os.environ.get("UPDATE_GOLDEN"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        wanted = path.read_text(encoding="utf-8") if path.exists() else ""
        assert text == wanted, f"{name} differs; see tests/gate/history/conftest.py"

    return compare
