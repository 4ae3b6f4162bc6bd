"""Fixtures that the system tests share: certificates, servers and proxies that clean up."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from smokegate.fault_proxy import Fault, FaultProxy, Upstream
from smokegate.fault_proxy.certificates import Certificates
from smokegate.fault_proxy.loop_thread import LoopThread

from tests.system import names
from tests.system.command import UNSAMPLED, Commands, heed_interrupts
from tests.system.lattice_process import UNHURRIED, LatticeProcess
from tests.system.ports import free_port
from tests.system.raw_client import client_context
from tests.system.tiny_upstream import TinyUpstream

OpenProxy = Callable[..., FaultProxy]


def pytest_configure() -> None:
    heed_interrupts()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail what is skipped in CI: there, what a test needs has been installed (`make ci-tools`)."""
    report = yield
    if report.skipped and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"in CI nothing may be skipped: {report.longreprtext}"
    return report


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority for this session; its `ca_file` is what clients trust."""
    return Certificates(tmp_path_factory.mktemp("certificates"), names.CERTIFIED)


@pytest.fixture(scope="session")
def trusting(certificates: Certificates) -> ssl.SSLContext:
    """A client context that trusts the session's authority alone."""
    return client_context(certificates.ca_file)


@pytest.fixture(scope="session")
def lattice(
    certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LatticeProcess]:
    """The real service over TLS, one for the session: leave it running as you found it."""
    directory = tmp_path_factory.mktemp("lattice")
    with LatticeProcess(directory, certificates.good(), certificates.ca_file, UNHURRIED) as process:
        yield process


@pytest.fixture
def commands(tmp_path: Path, lattice: LatticeProcess) -> Commands:
    """Commands whose target is the Lattice of this session; their runs take no sample."""
    settings = {"PRODUCTION_URL": lattice.url, "SMOKEGATE_CA_FILE": str(lattice.ca_file)}
    return Commands(tmp_path, settings | UNSAMPLED)


@pytest.fixture
def free_url() -> str:
    """A URL at which nothing listens."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def tiny_upstream() -> Iterator[TinyUpstream]:
    """A small real server over plain HTTP."""
    with TinyUpstream() as upstream:
        yield upstream


@pytest.fixture
def loop_thread(tiny_upstream: TinyUpstream) -> Iterator[LoopThread]:
    """A loop for asynchronous servers; it ends before the upstream that they talk to."""
    with LoopThread() as loop:
        yield loop


@pytest.fixture
def open_proxy(tiny_upstream: TinyUpstream, loop_thread: LoopThread) -> OpenProxy:
    """Open a fault proxy in front of the small server, or of `upstream`."""

    def open_one(
        *faults: Fault, tls: ssl.SSLContext | None = None, upstream: Upstream | None = None
    ) -> FaultProxy:
        target = upstream or Upstream(tiny_upstream.url)
        return loop_thread.keep(FaultProxy(target, *faults, tls=tls))

    return open_one
