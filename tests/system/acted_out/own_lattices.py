"""The ways to act out in a Lattice of its own: another server, a replica, a broken database."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from errno import ENOSPC
from http import HTTPStatus
from pathlib import Path

from smokegate.fault_proxy import Fault, Occasion, SendTo
from smokegate.results import JudgedRun

from tests.system import names
from tests.system.acted_out.acts import exchanges, proxied
from tests.system.acted_out.stage import Act, Scene, Stage, need
from tests.system.lattice_process import SERVE, UNHURRIED, LatticeProcess
from tests.system.ports import free_port

OVER_HTTP2 = Path(__file__).parents[1] / "lattice_over_http2.py"
SMALL_DISK = 'mount -t tmpfs -o size=8m tmpfs "$0" && exec "$@"'
PIECE = b"\0" * 4096


@contextmanager
def over_http2(stage: Stage, number: int) -> Iterator[Scene]:
    """A server that speaks HTTP/2 and nothing else, with the same application behind it."""
    with _own(stage, command=[sys.executable, OVER_HTTP2]) as lattice:
        yield Scene(lattice.url, _count_http2)


def broken_inside(sabotage: str, sign: str) -> Act:
    """A database that SQL has damaged; what it then refuses leaves a sign in Lattice's log."""

    @contextmanager
    def act(stage: Stage, number: int) -> Iterator[Scene]:
        with _own(stage) as lattice:
            _execute(stage.folder / "lattice.db", sabotage)
            yield Scene(lattice.url, lambda _: lattice.log.count(sign))

    return act


def changed_inside(trigger: str) -> Act:
    """A database that does something else than asked; the trigger notes that in `acted`."""

    @contextmanager
    def act(stage: Stage, number: int) -> Iterator[Scene]:
        database = stage.folder / "lattice.db"
        with _own(stage) as lattice:
            _execute(database, f"CREATE TABLE acted (number INTEGER PRIMARY KEY); {trigger}")
            yield Scene(lattice.url, lambda _: _count_acted(database))

    return act


@contextmanager
def full_disk(stage: Stage, number: int) -> Iterator[Scene]:
    """A disk of its own for the database, filled when the service is ready."""
    need(names.available(), "the right to make namespaces")
    disk = stage.folder / "disk"
    disk.mkdir()
    command = ["unshare", "-Urm", "sh", "-c", SMALL_DISK, str(disk), *SERVE]
    data = {"LATTICE_DATABASE_URL": f"sqlite+aiosqlite:///{disk / 'lattice.db'}"}
    with _own(stage, data, command) as lattice:
        _fill(Path(f"/proc/{lattice.pid}/root{disk}/ballast"))
        yield Scene(lattice.url, _count_refused_for_want_of_space)


@contextmanager
def without_its_redis(stage: Stage, number: int) -> Iterator[Scene]:
    """A Lattice that is told of a Redis where nothing listens."""
    with _own(stage, {"LATTICE_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}) as lattice:
        yield Scene(lattice.url, _count_degraded)


def second_replica(settings: Mapping[str, str], when: Occasion, **ours: object) -> Act:
    """Some of the connections lead to another process over the same data, set up otherwise."""

    @contextmanager
    def act(stage: Stage, number: int) -> Iterator[Scene]:
        with stage.lattice.replica(stage.folder, settings) as other:
            mixed = Fault(SendTo(other.upstream), per="connection", when=when)
            with proxied(mixed, **ours)(stage, number) as scene:
                yield scene

    return act


def _own(
    stage: Stage,
    settings: Mapping[str, str] | None = None,
    command: Sequence[str | Path] = SERVE,
) -> LatticeProcess:
    certificate, ca_file = stage.certificates.good(), stage.certificates.ca_file
    together = {**UNHURRIED, **(settings or {})}
    return LatticeProcess(stage.folder, certificate, ca_file, together, command)


def _execute(database: Path, script: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(script)


def _count_acted(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM acted").fetchone()
    return int(count)


def _fill(ballast: Path) -> None:
    """Write until there is no space left."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(PIECE)
        except OSError as full:
            if full.errno != ENOSPC:
                raise


def _count_refused_for_want_of_space(runs: Sequence[JudgedRun]) -> int:
    return sum(each.status == HTTPStatus.INSUFFICIENT_STORAGE for each in exchanges(runs))


def _count_degraded(runs: Sequence[JudgedRun]) -> int:
    return sum(
        each.path == "/health/redis" and each.status == HTTPStatus.SERVICE_UNAVAILABLE
        for each in exchanges(runs)
    )


def _count_http2(runs: Sequence[JudgedRun]) -> int:
    return sum(each.http_version == "HTTP/2" for each in exchanges(runs))
