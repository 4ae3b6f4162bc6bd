"""Lattice as one would put it into production: PostgreSQL, Redis, and the suites demand both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from smokegate.fault_proxy.certificates import Certificates

from tests.lattice.databases import PostgresDatabase, worker_name
from tests.lattice.servers import Redis
from tests.lattice.shared_postgres import shared_postgres
from tests.system.command import Commands
from tests.system.lattice_process import UNHURRIED, LatticeProcess
from tests.system.sharing import shared_folder


@pytest.fixture
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresDatabase]:
    """A migrated database."""
    with (
        shared_postgres(shared_folder(tmp_path_factory, "lattice_postgres")) as server,
        closing(PostgresDatabase(server, f"production_{worker_name()}")) as database,
    ):
        database.migrate()
        yield database


def test_both_suites_proceed_on_postgresql_with_redis(
    tmp_path: Path, certificates: Certificates, database: PostgresDatabase
) -> None:
    with Redis() as redis:
        settings = UNHURRIED | {
            "LATTICE_DATABASE_URL": database.url,
            "LATTICE_REDIS_URL": redis.url,
        }
        certificate = certificates.good()
        with LatticeProcess(tmp_path, certificate, certificates.ca_file, settings) as lattice:
            commands = Commands(
                tmp_path,
                {
                    "PRODUCTION_URL": lattice.url,
                    "SMOKEGATE_CA_FILE": str(lattice.ca_file),
                    "SMOKEGATE_REDIS": "required",
                },
            )
            done = commands.smokegate("run")
    assert done.code == 0, done.text
    run = commands.last_run
    assert run.verdict.action.value == "proceed", run.verdict
    assert {check.outcome.value for check in run.checks} == {"passed"}
