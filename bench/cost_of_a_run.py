"""What one run costs, and what the history keeps of it: the figures behind docs/scale.md.

    .venv/bin/python -m bench.cost_of_a_run [RUNS]

The shipped suites verify a real Lattice with everything on; then copies of that run are remembered,
by one writer and by four, in one environment and in one for each of them. PostgreSQL writes without
waiting for its disk here, and the machine's noise is in all times.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import msgspec
from smokegate.fault_proxy.certificates import Certificates
from smokegate.history.remembering import opened
from smokegate.history.store import Store
from smokegate.results import JudgedRun, from_json
from sqlalchemy import text

from bench.time_of_a_run import SMOKEGATE, UNLIMITED
from tests.gate.history.postgres import DATABASES, database_of_kind
from tests.system.lattice_process import LatticeProcess

RUNS = 2_000
WRITERS = 4
REPEATS = 5


def main() -> None:
    """Measure and print the figures."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory() as name:
        run = _cost_of_verifying(Path(name))
    for database in DATABASES:
        with tempfile.TemporaryDirectory() as name:
            _cost_of_remembering(database, Path(name), run, runs)


def _cost_of_verifying(folder: Path) -> JudgedRun:
    certificates = Certificates(folder)
    with LatticeProcess(folder, certificates.good(), certificates.ca_file, UNLIMITED) as lattice:
        ended = [_verify(folder, lattice) for _ in range(REPEATS)]
    run = from_json((folder / "run.json").read_bytes())
    checks, requests = len(run.everything), run.verdict.requests
    print(f"run: {checks} checks and probes, {requests} requests")
    print(f"processor: {median(used.ru_utime + used.ru_stime for used in ended):.2f} s")
    print(f"peak memory: {median(used.ru_maxrss for used in ended) / 1024:.0f} MB")
    results = [each for each in (folder / "results").iterdir() if each.is_file()]
    print(f"result files: {sum(each.stat().st_size for each in results) / REPEATS / 1024:.0f} KB")
    return run


def _verify(folder: Path, lattice: LatticeProcess) -> resource.struct_rusage:
    command = [*SMOKEGATE, "--url", lattice.url, "--ca-file", str(lattice.ca_file)]
    command += ["--results", str(folder / "results"), "--json", str(folder / "run.json")]
    environment = os.environ | {"SMOKEGATE_JOURNAL": str(folder / "journal")}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"a run ended with {os.waitstatus_to_exitcode(status)}")
    return used


def _cost_of_remembering(database: str, folder: Path, run: JudgedRun, runs: int) -> None:
    with database_of_kind(database, folder) as url:
        store = opened(url)
        store.remember(run)  # its checks and counters are there for good
        before_bytes, before_wal = _bytes(store), _wal_bytes(store)
        began_s, began_processor_s = time.perf_counter(), time.process_time()
        for copy in _copies(run, "one", runs):
            store.remember(copy)
        took_s = time.perf_counter() - began_s
        processor_s = time.process_time() - began_processor_s
        times = took_s / runs * 1000, processor_s / runs * 1000
        print(f"\n{database}: {times[0]:.1f} ms a run, of them {times[1]:.1f} ms ours")
        print(f"kept: {(_bytes(store) - before_bytes) / runs / 1024:.1f} KB a run")
        if before_wal:
            print(f"written ahead: {(_wal_bytes(store) - before_wal) / runs / 1024:.1f} KB a run")
        print(f"rows a run: {_rows_of(store, runs)}")
        for environments in (1, WRITERS):
            rate = _side_by_side(url, run, runs // 4, environments)
            print(f"{WRITERS} writers, {environments} environments: {rate:.0f} runs/s")
        store.close()


def _copies(run: JudgedRun, mark: str, number: int) -> Iterator[JudgedRun]:
    """As many runs like it, in its environment, each with an id of its own."""
    for each in range(number):
        yield msgspec.structs.replace(run, run_id=f"{mark}-{each}")


def _side_by_side(url: str, run: JudgedRun, runs: int, environments: int) -> float:
    """Runs that several writers get into the history in a second."""

    def write(writer: int) -> None:
        own = msgspec.structs.replace(run, environment=f"place-{writer % environments}")
        store = opened(url)
        for copy in _copies(own, f"{environments}-{writer}", runs):
            store.remember(copy)
        store.close()

    began_s = time.perf_counter()
    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(write, range(WRITERS)))
    return WRITERS * runs / (time.perf_counter() - began_s)


def _bytes(store: Store) -> int:
    """How large the database is, indexes included."""
    sizes = {
        "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
        "postgresql": "SELECT pg_database_size(current_database())",
    }
    return _asked(store, sizes[_kind(store)])


def _wal_bytes(store: Store) -> int:
    if _kind(store) == "sqlite":
        return 0
    return _asked(store, "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")


def _rows_of(store: Store, runs: int) -> str:
    tables = ("runs", "results", "timings", "failures")
    return ", ".join(
        f"{name} {_asked(store, f'SELECT count(*) FROM {name}') / (runs + 1):g}" for name in tables
    )


def _kind(store: Store) -> str:
    return store.name.partition(":")[0].partition("+")[0]


def _asked(store: Store, question: str) -> int:
    with store.reading() as connection:
        return int(connection.execute(text(question)).scalar_one())


if __name__ == "__main__":
    main()
