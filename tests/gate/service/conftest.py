"""Histories behind a real server: an empty one of each kind for a test, and a full one to read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest
from smokegate.history.remembering import opened
from smokegate.history.store import Store
from smokegate.service.access.visitors import Rules
from smokegate.service.app import application

from tests.gate.history.conftest import empty_database, postgres_server, prepared, store, url
from tests.gate.history.histories import take_in
from tests.gate.history.postgres import DATABASES
from tests.gate.service.serving import serving
from tests.gate.service.some_weeks import NOW_S, some_weeks
from tests.system.command import ENDED_WITHIN_S

__all__ = ["postgres_server", "prepared", "store", "url"]

FIRST_DAY = 19
TOKEN = "a token of no more than a test".replace(" ", "-")


@contextmanager
def served(there: Store, rules: Rules | None = None, **more: object) -> Iterator[httpx2.Client]:
    """A browser without cookies yet, at a server on a history; its clock stands."""
    app = application(there, rules, clock=lambda: NOW_S, **more)  # type: ignore[arg-type]
    with serving(app) as address, httpx2.Client(base_url=address, timeout=ENDED_WITHIN_S) as client:
        yield client


@pytest.fixture(scope="session", params=DATABASES)
def known(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """The last days of some weeks, for tests that only read them."""
    there = opened(empty_database(request, tmp_path_factory.mktemp("known")))
    take_in(there, some_weeks(FIRST_DAY))
    yield there
    there.close()


@pytest.fixture(scope="session")
def reader(known: Store) -> Iterator[httpx2.Client]:
    """Somebody who asks that history."""
    with served(known) as asking:
        yield asking


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A history without any run, for tests that neither read nor write one."""
    there = opened(f"sqlite:///{tmp_path_factory.mktemp('empty') / 'history.db'}")
    yield there
    there.close()


@pytest.fixture(scope="session")
def client(empty: Store) -> Iterator[httpx2.Client]:
    """Somebody who asks an empty history that is open to all."""
    with served(empty) as asking:
        yield asking


@pytest.fixture(scope="session")
def writer(empty: Store) -> Iterator[httpx2.Client]:
    """Somebody who has the token for it."""
    with served(empty, Rules(token=TOKEN)) as asking:
        asking.headers["authorization"] = f"Bearer {TOKEN}"
        yield asking
