"""How databases are reached: readers and writers side by side, and no waiting without an end."""

from __future__ import annotations

import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from smokegate.errors import HistoryError
from smokegate.history import database, tables
from smokegate.history.queries import runs
from smokegate.history.remembering import opened
from smokegate.history.schema import refuse_changed
from smokegate.history.store import Store
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError

from tests.gate.history.runs import run


def test_whoever_reads_keeps_nobody_from_writing(store: Store, url: str) -> None:
    store.remember(run(1))
    other = opened(url)
    with store.reading() as connection:
        before = runs(connection)
        assert other.remember(run(2, minutes=1)), "while somebody reads"
        assert len(before.runs) == 1
    other.close()
    with store.reading() as connection:
        assert len(runs(connection).runs) == 2


def test_whoever_writes_keeps_nobody_from_reading(store: Store, url: str) -> None:
    store.remember(run(1))
    other = opened(url)
    with other.transaction() as connection:
        connection.execute(tables.runs.delete())
        with store.reading() as reading:
            assert reading.scalars(select(tables.runs.c.run_id)).all() == ["run-000001"]
    other.close()


def test_a_lock_is_not_waited_for_without_an_end(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_S", 1)
    other = Store(url)
    with store.transaction() as connection:
        connection.execute(tables.runs.delete())
        if connection.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE runs"))
        with pytest.raises(HistoryError, match="lock"):
            other.remember(run(1))
    assert other.remember(run(1)), "once it is free"
    other.close()


def test_two_may_be_the_first_at_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "history.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(time, "sleep", lambda _: other.execute("COMMIT"))
        opened(f"sqlite:///{file}").close()
        assert not other.in_transaction, "it was waited for"


def test_a_server_that_says_nothing_is_not_waited_for_without_an_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(database._POSTGRES, "connect_timeout", 2)  # libpq's least
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(HistoryError, match="timeout"):
            opened(f"postgresql://somebody@127.0.0.1:{port}/history")


@pytest.mark.parametrize(("said", "connect_timeout"), [("", 10), ("?connect_timeout=3", "3")])
def test_what_the_url_says_wins(said: str, connect_timeout: object) -> None:
    engine = database.open_database(f"postgresql://u@127.0.0.1:1/d{said}")
    asked: list[dict[str, Any]] = []

    def note(_: Any, __: Any, ___: Any, words: dict[str, Any]) -> None:
        asked.append(dict(words))

    event.listen(engine, "do_connect", note)
    with pytest.raises(OperationalError):
        engine.connect()
    assert asked[0]["connect_timeout"] == connect_timeout
    assert asked[0]["tcp_user_timeout"] == 30_000


def test_a_history_that_can_only_be_read_is_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'history.db'}"
    store = opened(url)
    store.remember(run(1))
    store.close()
    reading = Store(url)

    def read_only(_: Any, __: Any, where: list[Any], words: dict[str, Any]) -> None:
        where[0] = f"file:{where[0]}?mode=ro"
        words["uri"] = True

    event.listen(reading._engine, "do_connect", read_only)
    reading.prepare()
    with reading.reading() as connection:
        assert len(runs(connection).runs) == 1
    with pytest.raises(HistoryError, match="readonly"):
        reading.remember(run(2))
    reading.close()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://u:s3cret@host:abc/db", "not a URL of a database, such as"),
        ("postgresql://u:s3cret@[::1/db", "not a URL of a database, such as"),
        ("postgresql://u:s3cret", "not a URL of a database, such as"),
        ("postgresql+asyncpg://u:s3cret@h/db", "postgresql+asyncpg is neither sqlite nor"),
        ("postgresql+psycopg2://u:s3cret@h/db", "postgresql+psycopg2 is neither sqlite nor"),
        ("sqlite+aiosqlite:///x.db", "sqlite+aiosqlite is neither sqlite nor"),
        ("sqlite:////nowhere/x.db?timeout=abc", "a file of SQLite takes no options"),
        ("sqlite:////nowhere/x.db?mode=ro", "a file of SQLite takes no options"),
    ],
)
def test_a_wrong_url_is_refused_in_one_line_without_its_password(url: str, why: str) -> None:
    with pytest.raises(HistoryError) as refused:
        database.open_database(url)
    line = str(refused.value)
    assert line.startswith(f"history: {why}")
    assert "s3cret" not in line
    assert "\n" not in line


@pytest.mark.parametrize("kind", ["postgresql", "postgresql+psycopg"])
def test_the_driver_may_be_named(kind: str) -> None:
    assert database.open_database(f"{kind}://u@h/d").driver == "psycopg"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3cr@t@nope.invalid/db",
        "postgresql://u:s3cr@t/x@nope.invalid/db",
        "postgresql://nope.invalid?password=s3cr@t",
    ],
)
def test_a_password_with_a_raw_at_sign_is_not_taken_for_a_host(url: str) -> None:
    with pytest.raises(HistoryError) as refused:
        database.open_database(url)
    assert str(refused.value) == "history: an @ in a user or password is written %40"


def test_a_folder_may_have_at_signs(tmp_path: Path) -> None:
    opened(f"sqlite:///{tmp_path}/a@b@c/history.db").close()
    assert (tmp_path / "a@b@c" / "history.db").is_file()


def test_a_name_shows_no_password() -> None:
    name = Store("postgresql://u:s3cr%40t@h:1/db?password=S3CRET").name
    assert name == "postgresql://u:***@h:1/db"


def test_a_file_that_was_replaced_is_not_read_on(tmp_path: Path) -> None:
    with closing(opened(f"sqlite:///{tmp_path / 'history.db'}")) as store:
        store.remember(run())
        for file in tmp_path.iterdir():
            file.unlink()
        with (
            store.reading() as connection,
            pytest.raises(HistoryError, match="the history is gone"),
        ):
            refuse_changed(connection)
