"""What it costs to verify a fleet, and whether it names every broken target and no other.

    .venv/bin/python -m bench.fleet [NUMBER ...]

Real HTTP servers on loopback, one in fifty of them broken in some way, verified by one process, and
by one worker and two of a location, which take the targets from a real broker.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from smokegate.fault_proxy.certificates import Certificates

from tests.system.many_servers import Server, fleet_file, many_servers
from tests.system.tls_broker import TlsRedis

SMOKEGATE = [sys.executable, "-m", "smokegate"]
NUMBERS = (10, 100, 1_000)
ONE_IN = 50
AT_ONCE = "64"
DISTRIBUTED = 200
WORKERS = (1, 2)


def main() -> None:
    """Measure and print the tables."""
    numbers = [int(each) for each in sys.argv[1:]] or list(NUMBERS)
    print("| targets | wall | per target | processor time | peak memory | broken | named |")
    print("|---|---|---|---|---|---|---|")
    for number in numbers:
        print(_row(number), flush=True)
    print("\n| workers | targets | wall | named |")
    print("|---|---|---|---|")
    for workers in WORKERS:
        print(_distributed_row(workers), flush=True)


def _row(number: int) -> str:
    with tempfile.TemporaryDirectory() as name, many_servers(number, ONE_IN) as servers:
        wall_s, used, named = _verified(Path(name), servers)
    return (
        f"| {number} | {wall_s:.1f} s | {wall_s / number * 1000:.0f} ms "
        f"| {used.ru_utime + used.ru_stime:.1f} s | {used.ru_maxrss / 1024:.0f} MB "
        f"| {sum(bool(each.broken) for each in servers)} | {_judged(named, servers)} |"
    )


def _distributed_row(workers: int) -> str:
    with (
        tempfile.TemporaryDirectory() as name,
        many_servers(DISTRIBUTED, ONE_IN) as servers,
        TlsRedis(Certificates(Path(name))) as broker,
        _serving(workers, Path(name), servers, broker) as environ,
    ):
        wall_s, _, named = _verified(Path(name), servers, environ, "--distributed", "here")
    return f"| {workers} | {DISTRIBUTED} | {wall_s:.1f} s | {_judged(named, servers)} |"


@contextmanager
def _serving(
    number: int, folder: Path, servers: list[Server], broker: TlsRedis
) -> Iterator[dict[str, str]]:
    """So many workers that are ready; what leads to their broker."""
    environ = {"SMOKEGATE_BROKER": broker.url, "SMOKEGATE_BROKER_CA_FILE": broker.ca_file}
    command = [*SMOKEGATE, "worker", "--location", "here"]
    command += ["--targets", str(fleet_file(folder, servers))]
    workers = []
    try:
        for each in range(number):
            own = {"SMOKEGATE_JOURNAL": str(folder / f"journal-{each}")}
            workers.append(
                subprocess.Popen(command, env=os.environ | environ | own, stderr=subprocess.PIPE)
            )
        for worker in workers:
            assert worker.stderr is not None
            while b" is ready" not in worker.stderr.readline():
                assert worker.poll() is None
            Thread(target=worker.stderr.read, daemon=True).start()
        yield environ
    finally:
        for worker in workers:
            worker.terminate()
            worker.wait()


def _verified(
    folder: Path, servers: list[Server], more: Mapping[str, str] = {}, *options: str
) -> tuple[float, resource.struct_rusage, set[str]]:
    """How long it took, what it used, and which targets it says are not fine."""
    command = [*SMOKEGATE, "fleet", str(fleet_file(folder, servers)), *options]
    command += ["--at-once", AT_ONCE, "--per-host", AT_ONCE, "--results", str(folder / "r")]
    environ = {**os.environ, "SMOKEGATE_JOURNAL": str(folder / "journal"), **more}
    began_s = time.perf_counter()
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - began_s
    (report,) = (folder / "r").glob("fleet_*.json")
    targets = json.loads(report.read_bytes())["targets"]
    return wall_s, used, {each["name"] for each in targets if each["action"] != "proceed"}


def _judged(named: set[str], servers: list[Server]) -> str:
    broken = {each.name for each in servers if each.broken}
    return "all broken and no other" if named == broken else f"WRONG: {sorted(named ^ broken)}"


if __name__ == "__main__":
    main()
