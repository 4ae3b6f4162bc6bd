"""Lattice for its tests: in this process, or as the real server that people start."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx2
import pytest
from lattice.settings import Settings
from smokegate.fault_proxy.certificates import Certificates
from structlog.testing import capture_logs

from lattice import postgresql
from tests.lattice.databases import KINDS, PostgresDatabase, sqlite_url, worker_name
from tests.lattice.in_process import CHEAP_PASSWORDS, Lattice
from tests.lattice.processes import LATTICE, Served
from tests.lattice.servers import Redis
from tests.lattice.shared_postgres import shared_postgres
from tests.system.lattice_process import LatticeProcess
from tests.system.sharing import shared_folder


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep what is logged off the terminal: drawing a traceback there takes seconds."""
    with capture_logs():
        yield


SECRET = "a secret of thirty-two bytes or more"
# What stores and reads: all of it runs on both databases.
OF_DATA = {
    "accounts",
    "idempotency",
    "lattices",
    "pathfinding",
    "subscriptions",
    "tenants",
    "test_caller",
    "test_database",
    "test_sessions",
    "test_tenancy",
    "usage",
    "webhooks",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of data on each kind of database."""
    is_of_data = OF_DATA & set(metafunc.module.__name__.split("."))
    if is_of_data and "database_kind" in metafunc.fixturenames:
        metafunc.parametrize("database_kind", KINDS, indirect=True)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The PostgreSQL of this test run."""
    with shared_postgres(shared_folder(tmp_path_factory, "lattice_postgres")) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Iterator[PostgresDatabase]:
    """The database of this worker process, migrated."""
    with closing(PostgresDatabase(postgres_server, worker_name())) as database:
        database.migrate()
        yield database


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """The Redis of this worker process: leave it running as you found it."""
    with Redis() as server:
        yield server


@pytest.fixture
def redis(redis_server: Redis) -> Redis:
    """A Redis with nothing in it."""
    redis_server.send("FLUSHALL")
    return redis_server


@pytest.fixture
def database_kind(request: pytest.FixtureRequest) -> str:
    """The kind of database of this test: SQLite, unless it is run on both."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any tenant."""
    if database_kind == "sqlite":
        return sqlite_url(tmp_path)
    database: PostgresDatabase = request.getfixturevalue("postgres_database")
    database.empty()
    return database.url


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take no busy machine for a database that is away; tests of that say so."""
    monkeypatch.setattr(postgresql, "ANSWERED_WITHIN_S", 60.0)
    monkeypatch.setattr(postgresql, "CONNECTED_WITHIN_S", 60.0)


@pytest.fixture
def settings_with(database_url: str) -> Callable[..., Settings]:
    """Settings for a test: a database of its own, cheap passwords, and what is given."""

    def make(**given: object) -> Settings:
        wanted = {"dev": True, "database_url": database_url}
        return Settings.model_validate(wanted | CHEAP_PASSWORDS | given)

    return make


@pytest.fixture
def lattice_with(settings_with: Callable[..., Settings]) -> Iterator[Callable[..., Lattice]]:
    """Start the application in this process with these settings; it ends with the test."""
    with ExitStack() as running:
        yield lambda **given: running.enter_context(Lattice(settings_with(**given)))


@pytest.fixture
def lattice(lattice_with: Callable[..., Lattice]) -> Lattice:
    """The application in this process, with a database of its own."""
    return lattice_with()


@pytest.fixture
def usual(tmp_path: Path) -> dict[str, str]:
    """Settings that a server can start with."""
    return {
        "LATTICE_SECRET": SECRET,
        "LATTICE_DATABASE_URL": f"sqlite:///{tmp_path}/lattice.db",
    }


@pytest.fixture
def serving(usual: dict[str, str]) -> Iterator[Callable[..., Served]]:
    """Start servers with these options and settings; none outlives the test."""
    with ExitStack() as running:
        yield lambda *options, program=LATTICE, **settings: running.enter_context(
            Served(*options, settings=usual | settings, program=program)
        )


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority for this session."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def server(
    certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LatticeProcess]:
    """The real server over TLS, one for the session: leave it running as you found it."""
    settings = {
        "LATTICE_RATE_LIMIT_ANONYMOUS": "100000",
        "LATTICE_CORS_ORIGINS": "https://app.example.com",
    } | {f"LATTICE_{name.upper()}": str(value) for name, value in CHEAP_PASSWORDS.items()}
    directory = tmp_path_factory.mktemp("lattice")
    with LatticeProcess(directory, certificates.good(), certificates.ca_file, settings) as process:
        yield process


@pytest.fixture(scope="session")
def browser(server: LatticeProcess) -> Iterator[httpx2.Client]:
    """A client of the real server that trusts its certificate."""
    trust = ssl.create_default_context(cafile=server.ca_file)
    with httpx2.Client(base_url=server.url, verify=trust) as client:
        yield client
