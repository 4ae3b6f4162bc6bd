"""The schema: made, migrated, and left alone where it is somebody else's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from smokegate.errors import HistoryError
from smokegate.history import schema, tables
from smokegate.history.remembering import opened
from smokegate.history.rows import run_row
from smokegate.history.store import Store
from smokegate.history.tables import metadata
from sqlalchemy import create_engine, inspect, select, text

from tests.gate.history.postgres import new_database
from tests.gate.history.runs import failing


def test_the_migrations_lead_to_the_schema_that_is_made_at_once(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        command.upgrade(schema._config(connection), "head")
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == schema.HEAD
    engine.dispose()


def test_a_schema_made_at_once_is_what_the_tables_say(store: Store) -> None:
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == schema.HEAD


@pytest.mark.parametrize("migrated", [False, True])
def test_postgres_compares_ids_of_runs_byte_by_byte(postgres_server: str, migrated: bool) -> None:
    """Otherwise its index would not find what an id begins with, whatever its language is."""
    engine = create_engine(new_database(postgres_server, f"bytewise_{migrated}"))
    with engine.begin() as connection:
        if migrated:
            command.upgrade(schema._config(connection), "head")
        else:
            metadata.create_all(connection)
        collation = connection.scalar(
            text(
                "SELECT collation_name FROM information_schema.columns "
                "WHERE table_name = 'runs' AND column_name = 'run_id'"
            )
        )
    engine.dispose()
    assert collation == "C"


def test_preparing_again_changes_nothing(url: str) -> None:
    for _ in range(2):
        opened(url).close()


def test_a_newer_database_is_left_alone(url: str) -> None:
    store = opened(url)
    with store.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("CREATE TABLE newer (it INTEGER)"))
    store.close()
    with pytest.raises(HistoryError, match="'9999', which a newer smokegate made"):
        opened(url)
    engine = create_engine(url)
    assert inspect(engine).has_table("newer")
    engine.dispose()


def test_a_database_that_became_newer_meanwhile_is_noticed(store: Store) -> None:
    with store.transaction() as connection:
        schema.refuse_changed(connection)
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(HistoryError, match="'9999', which a newer smokegate made"):
            schema.refuse_changed(connection)


def test_labels_of_the_first_schema_are_kept_without_an_author(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        command.upgrade(schema._config(connection), "0001")
    with engine.begin() as connection:
        there = {**run_row(failing(1)), "id": 1}
        connection.execute(tables.runs.insert(), [there])
        connection.execute(
            text("INSERT INTO labels (run, label, note, labelled_ms) VALUES (1, 'missed', 'n', 5)")
        )
    engine.dispose()
    store = opened(url)
    with store.reading() as connection:
        (kept,) = connection.execute(select(tables.labels))
    store.close()
    assert tuple(kept) == (1, "missed", "n", 5, "")


def test_the_tables_of_others_are_left_alone(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE runs (theirs INTEGER)"))
    with pytest.raises(HistoryError, match="'runs' that is not smokegate's"):
        opened(url)
    assert [each["name"] for each in inspect(engine).get_columns("runs")] == ["theirs"]
    assert inspect(engine).get_table_names() == ["runs"]
    engine.dispose()


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "history.db"
    file.write_bytes(b"not a database, but somebody's notes\n" * 100)
    before = file.read_bytes()
    with pytest.raises(HistoryError, match="not a database"):
        opened(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_a_database_that_is_broken_in_the_middle_is_said(tmp_path: Path) -> None:
    file = tmp_path / "history.db"
    opened(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)
    with pytest.raises(HistoryError):
        opened(f"sqlite:///{file}").close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://u@h/d", "mysql is neither sqlite nor postgresql"),
        ("nonsense", "not a URL of a database"),
        ("sqlite:////proc/nowhere/history.db", "No such file"),
        ("postgresql://u:hunter22@127.0.0.1:1/d", "refused"),
    ],
)
def test_what_cannot_be_opened_is_said_in_one_line(url: str, words: str) -> None:
    with pytest.raises(HistoryError, match=words) as caught:
        opened(url)
    assert "\n" not in str(caught.value)
    assert "hunter22" not in str(caught.value)
