"""Where the history does not answer, everybody is told so in their own words, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psycopg
import pytest
from smokegate.history import database
from smokegate.history.labels import set_label
from smokegate.history.queries import run as kept_run
from smokegate.history.remembering import opened
from smokegate.history.store import Store
from smokegate.service.access.visitors import Rules
from smokegate.service.pages import overview
from sqlalchemy import text

from tests.gate.history.postgres import new_database
from tests.gate.history.runs import failing
from tests.gate.service.conftest import TOKEN, served

ALARM = "run-000001"
BEARER = {"authorization": f"Bearer {TOKEN}"}
LABEL = f"/api/runs/{ALARM}/label"


@contextmanager
def writing(store: Store) -> Iterator[httpx2.Client]:
    with served(store, Rules(token=TOKEN)) as client:
        client.headers.update(BEARER)
        yield client


def assert_told(client: httpx2.Client, words: str) -> None:
    """Demand that people, programs and Prometheus are told, with what to do next."""
    for path in "/", f"/run?id={ALARM}", "/environment", "/runs":
        page = client.get(path)
        assert page.status_code == 503, path
        assert page.headers["retry-after"] == "10"
        assert "The history does not answer" in page.text
        assert words in page.text
        assert "Traceback" not in page.text
    told = client.get("/api/overview")
    assert (told.status_code, told.headers["content-type"]) == (503, "application/problem+json")
    assert words in told.json()["detail"]


def test_a_database_that_is_gone_is_said(postgres_server: str) -> None:
    store = opened(new_database(postgres_server, "gone"))
    store.remember(failing(1))
    with writing(store) as client:
        assert client.get("/").status_code == 200
        with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
            connection.execute("DROP DATABASE gone WITH (FORCE)")
        assert_told(client, "does not exist")
        metrics = client.get("/metrics")
        assert metrics.status_code == 503
        assert metrics.headers["content-type"].startswith("text/plain")
        assert client.put(LABEL, json={"label": "false-alarm"}).status_code == 503
        assert client.get("/health").status_code == 200
    store.close()


def test_a_database_that_became_newer_is_left_alone(store: Store) -> None:
    store.remember(failing(1))
    with writing(store) as client:
        with store.transaction() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        assert_told(client, "which a newer smokegate made")
        assert client.put(LABEL, json={"label": "false-alarm"}).status_code == 503
    with store.reading() as connection:
        found = kept_run(connection, ALARM)
    assert found is not None
    assert found.run.label == ""


def test_who_writes_meanwhile_keeps_nobody_from_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_S", 0.1)
    store = opened(f"sqlite:///{tmp_path / 'history.db'}")
    store.remember(failing(1))
    with writing(store) as client:
        with store.transaction() as connection:
            set_label(connection, ALARM, "true-alarm")
            assert client.get("/").status_code == 200
            locked = client.put(LABEL, json={"label": "false-alarm"})
            assert (locked.status_code, "locked" in locked.json()["detail"]) == (503, True)
        assert client.put(LABEL, json={"label": "false-alarm"}).status_code == 200
    store.close()


def test_a_bug_is_said_without_its_details(empty: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("what nobody outside should see")

    monkeypatch.setattr(overview, "page", broken)
    monkeypatch.setattr("smokegate.service.api.answers.glances", broken)
    with served(empty) as client:
        page, told = client.get("/"), client.get("/api/overview")
    assert (page.status_code, told.status_code) == (500, 500)
    assert "Something went wrong here" in page.text
    assert told.json()["detail"].startswith("The reason stands in what smokegate serve prints")
    assert "nobody outside" not in page.text + told.text
