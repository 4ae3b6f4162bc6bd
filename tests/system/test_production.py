"""Lattice as one would put it into production: PostgreSQL, Redis, and the suites demand both."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from smokegate.fault_proxy.certificates import Certificates

from tests.lattice.databases import PostgresDatabase, worker_name
from tests.lattice.load import Load
from tests.lattice.processes import processes_of
from tests.lattice.servers import Redis, assert_in_the_end
from tests.lattice.shared_postgres import shared_postgres
from tests.system.command import ROOT, Commands
from tests.system.lattice_process import UNHURRIED, LatticeProcess
from tests.system.nginx import HOW, NGINX, serving
from tests.system.ports import free_port
from tests.system.sharing import shared_folder

SITE = ROOT / "deploy/lattice/nginx.conf"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresDatabase]:
    """A migrated database."""
    with (
        shared_postgres(shared_folder(tmp_path_factory, "lattice_postgres")) as server,
        closing(PostgresDatabase(server, f"production_{worker_name()}")) as database,
    ):
        database.migrate()
        yield database


@pytest.fixture
def settings(database: PostgresDatabase) -> Iterator[dict[str, str]]:
    """Lattice's, for several processes."""
    with Redis() as redis:
        yield UNHURRIED | {
            "LATTICE_DATABASE_URL": database.url,
            "LATTICE_REDIS_URL": redis.url,
        }


def assert_both_suites_proceed(folder: Path, url: str, ca_file: Path, version: str) -> None:
    needed = {"SMOKEGATE_REDIS": "required", "SMOKEGATE_CA_FILE": str(ca_file)}
    commands = Commands(folder, {"PRODUCTION_URL": url, **needed})
    done = commands.smokegate("run")
    assert done.code == 0, done.text
    run = commands.last_run
    assert run.verdict.action.value == "proceed", run.verdict
    # None is skipped; a busy machine may be slow, which is warned about.
    assert {check.outcome.value for check in run.checks} <= {"passed", "warned"}
    replies = [each for check in run.checks for each in check.attempts[-1].exchanges]
    assert {each.http_version for each in replies if each.http_version} == {version}


def test_both_suites_proceed_on_postgresql_with_redis(
    tmp_path: Path, certificates: Certificates, settings: dict[str, str]
) -> None:
    with LatticeProcess(tmp_path, certificates.good(), certificates.ca_file, settings) as lattice:
        assert_both_suites_proceed(tmp_path, lattice.url, lattice.ca_file, "HTTP/1.1")


@pytest.mark.long
@pytest.mark.skipif(not NGINX, reason=HOW)
def test_both_suites_proceed_behind_nginx_with_four_workers(
    tmp_path: Path, certificates: Certificates, settings: dict[str, str]
) -> None:
    with behind_nginx(tmp_path, certificates, settings, workers=4) as (_, url):
        assert_both_suites_proceed(tmp_path, url, certificates.ca_file, "HTTP/2")


@pytest.mark.long
@pytest.mark.skipif(not NGINX, reason=HOW)
def test_renewing_every_worker_behind_nginx_under_load_loses_no_request(
    tmp_path: Path, certificates: Certificates, settings: dict[str, str]
) -> None:
    with behind_nginx(tmp_path, certificates, settings, workers=2) as (lattice, url):
        before = processes_of(lattice.pid)
        assert len(before) == 2
        with Load([url], certificates.ca_file) as load:
            os.kill(lattice.pid, signal.SIGHUP)
            # Those that nginx keeps connections to end too, when it has closed them.
            assert_in_the_end(lambda: bool(load.lost) or not before & processes_of(lattice.pid))
            load.await_more(20)
        assert load.lost == []
        assert len(processes_of(lattice.pid)) == 2


@contextmanager
def behind_nginx(
    folder: Path, certificates: Certificates, settings: dict[str, str], *, workers: int
) -> Iterator[tuple[LatticeProcess, str]]:
    """Lattice behind the site of `deploy/` with the addresses of a test; gives it and the URL."""
    served, port = certificates.good(), free_port()
    several = {"LATTICE_WORKERS": str(workers), "LATTICE_TRUSTED_PROXIES": "127.0.0.1"}
    plain = {"LATTICE_TLS_CERT": "", "LATTICE_TLS_KEY": ""}
    with LatticeProcess(
        folder, served, certificates.ca_file, settings | several | plain
    ) as lattice:
        site = SITE.read_text(encoding="utf-8")
        for theirs, ours in (
            ("127.0.0.1:8000", lattice.url.removeprefix("http://")),
            ("listen 443", f"listen 127.0.0.1:{port}"),
            ("/etc/ssl/lattice/chain.pem", str(served.chain_file)),
            ("/etc/ssl/lattice/key.pem", str(served.key_file)),
        ):
            assert theirs in site
            site = site.replace(theirs, ours)
        with serving(folder, site, port):
            yield lattice, f"https://127.0.0.1:{port}"
