"""Lattice for its tests: in this process, or as the real server that people start."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest
from lattice.settings import Settings
from smokegate.fault_proxy.certificates import Certificates
from structlog.testing import capture_logs

from tests.lattice.in_process import CHEAP_PASSWORDS, Lattice
from tests.system.lattice_process import LatticeProcess


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep what is logged off the terminal: drawing a traceback there takes seconds."""
    with capture_logs():
        yield


@pytest.fixture
def settings_with(tmp_path: Path) -> Callable[..., Settings]:
    """Settings for a test: a database of its own, cheap passwords, and what is given."""

    def make(**given: object) -> Settings:
        url = f"sqlite:///{tmp_path}/lattice.db"
        return Settings.model_validate({"dev": True, "database_url": url} | CHEAP_PASSWORDS | given)

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
