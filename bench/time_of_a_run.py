"""How long a verification takes, beside the two numbers that bound it.

    .venv/bin/python -m bench.time_of_a_run [REPEATS]

The shipped suites verify a real Lattice over TLS, on loopback and through a relay that delays
every byte. Beside the wall clock stand the sum of all requests, which a runner that does one
thing after the other would take, and the longest chain of requests that had to wait for each
other, which nobody can beat. Each is measured with the probes (settling, the sample of 200
requests) and without them; the chain and the sum are those of the checks alone. Start-up is the
time from starting the process to the first byte that reaches a socket. Medians of several runs;
the machine's noise is in them.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from smokegate.fault_proxy.certificates import Certificates
from smokegate.fault_proxy.loop_thread import LoopThread

from tests.system.delay_relay import DelayRelay
from tests.system.lattice_process import LatticeProcess

SMOKEGATE = [sys.executable, "-m", "smokegate", "run", "tests/smoke"]
ROUND_TRIPS_MS = (0, 50)
PROBES: dict[str, dict[str, str]] = {
    "with": {},
    "without": {"SMOKEGATE_WAIT_S": "0", "SMOKEGATE_SAMPLE_REQUESTS": "0"},
}
UNLIMITED = {"LATTICE_RATE_LIMIT_ANONYMOUS": "100000", "LATTICE_LOGIN_LIMIT_ADDRESS": "100000"}


def main() -> None:
    """Measure and print the table."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"start-up to the first byte sent: {first_byte_s(repeats) * 1000:.0f} ms")
    print(f"a bare interpreter:              {bare_interpreter_s(repeats) * 1000:.0f} ms\n")
    print("| round trip | probes | wall | run | longest chain | sum of requests | requests |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, _lattice(Path(folder)) as lattice:
        for round_trip_ms in ROUND_TRIPS_MS:
            with _relayed(lattice, round_trip_ms / 1000) as url:
                for probes, settings in PROBES.items():
                    verify = partial(_verify, url, Path(folder), lattice.ca_file, settings)
                    print(_row(round_trip_ms, probes, [verify() for _ in range(repeats)]))


def _row(round_trip_ms: int, probes: str, runs: list[tuple[float, dict[str, Any]]]) -> str:
    exchanges = [list(_exchanges(run)) for _, run in runs]
    cells = [
        median(wall_s for wall_s, _ in runs),
        median(run["duration_s"] for _, run in runs),
        median(longest_chain_s(run) for _, run in runs),
        median(sum(each["timing"]["total_s"] for each in run) for run in exchanges),
    ]
    times = " | ".join(f"{cell * 1000:.0f} ms" for cell in cells)
    requests = median(run["verdict"]["requests"] for _, run in runs)
    return f"| {round_trip_ms} ms | {probes} | {times} | {requests:.0f} |"


def _exchanges(run: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for owner in run["resources"] + run["checks"]:
        for attempt in owner["attempts"]:
            yield from attempt["exchanges"]


def longest_chain_s(run: dict[str, Any]) -> float:
    """The longest sum of requests in which each began after the one before had ended.

    A chain is made of one check's requests and those of what was made before it; exclusive
    checks come after all others, so theirs follow on the longest of those.
    """
    made = [each for resource in run["resources"] for each in _of(resource)]
    chains = [_chain_s(made + _of(check)) for check in run["checks"]]
    return max(chains, default=0.0)


def _of(owner: dict[str, Any]) -> list[dict[str, Any]]:
    return [exchange for attempt in owner["attempts"] for exchange in attempt["exchanges"]]


def _chain_s(exchanges: list[dict[str, Any]]) -> float:
    best: list[tuple[float, float]] = []  # when a chain ends, and how long its requests took
    for each in sorted(exchanges, key=lambda each: float(each["started_s"])):
        took_s = float(each["timing"]["total_s"])
        before_s = max((sum_s for end_s, sum_s in best if end_s <= each["started_s"]), default=0.0)
        best.append((each["started_s"] + took_s, before_s + took_s))
    return max((sum_s for _, sum_s in best), default=0.0)


def _verify(
    url: str, folder: Path, ca_file: Path, settings: dict[str, str]
) -> tuple[float, dict[str, Any]]:
    result = folder / "run.json"
    command = [*SMOKEGATE, "--url", url, "--ca-file", str(ca_file), "--json", str(result)]
    started = time.perf_counter()
    done = subprocess.run(
        [*command, "--results", str(folder / "results")],
        env=_environment(folder) | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    wall_s = time.perf_counter() - started
    if done.returncode != 0:
        raise SystemExit(f"exit {done.returncode}\n{done.stdout}{done.stderr}")
    run: dict[str, Any] = json.loads(result.read_text())
    return wall_s, run


def first_byte_s(repeats: int) -> float:
    """From starting the process to the first byte at a listening socket."""
    times = []
    for _ in range(repeats):
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            started = time.perf_counter()
            with subprocess.Popen(
                [*SMOKEGATE, "--url", url],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ) as process:
                connection, _ = server.accept()
                with connection:
                    connection.recv(1)
                    times.append(time.perf_counter() - started)
                process.kill()
    return median(times)


def bare_interpreter_s(repeats: int) -> float:
    """What starting Python itself takes: the part that is not ours."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", ""], check=True)
        times.append(time.perf_counter() - started)
    return median(times)


@contextmanager
def _lattice(folder: Path) -> Iterator[LatticeProcess]:
    certificates = Certificates(folder)
    with LatticeProcess(folder, certificates.good(), certificates.ca_file, UNLIMITED) as lattice:
        yield lattice


@contextmanager
def _relayed(lattice: LatticeProcess, round_trip_s: float) -> Iterator[str]:
    if round_trip_s == 0:
        yield lattice.url
        return
    with LoopThread() as loop:
        yield loop.keep(DelayRelay(lattice.url, round_trip_s)).url


def _environment(folder: Path) -> dict[str, str]:
    ours = {"SMOKEGATE_JOURNAL": str(folder / "journal"), "SMOKEGATE_HISTORY": "none"}
    return {**os.environ, **ours}


if __name__ == "__main__":
    main()
