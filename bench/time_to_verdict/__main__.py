"""Measures every tool that is there, in rounds, and prints the table."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from smokegate.fault_proxy.loop_thread import LoopThread

from bench.time_to_verdict import measure
from bench.time_to_verdict.backend import FAULTS
from bench.time_to_verdict.measure import Run
from bench.time_to_verdict.server import Server, running
from bench.time_to_verdict.tools import Tool, bare, install_from_npm, tools
from bench.time_to_verdict.work import limit_s
from tests.system.delay_relay import DelayRelay
from tests.system.nginx import HOW, NGINX

ROUND_TRIPS_MS = [0, 50, 150]
Runs = dict[tuple[str, int], list[Run]]


def main(asked: list[str] | None = None) -> None:
    """Measure, and print the table; fails where tools did not do the same."""
    parser = argparse.ArgumentParser(prog="bench.time_to_verdict")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument(
        "--rtt", default=ROUND_TRIPS_MS, type=lambda text: [int(each) for each in text.split(",")]
    )
    options = parser.parse_args(asked)
    if not NGINX:
        print(f"the time to a verdict: {HOW}")
        return
    install_from_npm()
    present = [tool for tool in tools() if not tool.missing]
    with tempfile.TemporaryDirectory() as name, running(Path(name)) as server:
        measured = [bare(), *present]
        folders = {tool.name: _folder(name, number) for number, tool in enumerate(measured)}
        for tool in measured:
            measure.run_well(tool, server, server.url, folders[tool.name])  # what is made once
        runs = _rounds(measured, server, folders, options.rtt, options.repeats)
        _print_table(measured, options.rtt, runs)
        _notice_every_fault(present, server, folders)


def _folder(parent: str, number: int) -> Path:
    folder = Path(parent) / f"tool{number}"
    folder.mkdir()
    return folder


def _rounds(
    present: list[Tool],
    server: Server,
    folders: dict[str, Path],
    round_trips_ms: list[int],
    repeats: int,
) -> Runs:
    """Run all tools in turn, so that what disturbs the machine disturbs each of them."""
    runs: Runs = {(tool.name, ms): [] for tool in present for ms in round_trips_ms}
    for ms in round_trips_ms:
        with _relayed(server, ms / 1000) as url:
            for number in range(1, repeats + 1):
                print(f"{ms} ms, round {number} of {repeats}", file=sys.stderr)
                for tool in present:
                    done = measure.run_well(tool, server, url, folders[tool.name])
                    runs[tool.name, ms].append(done)
    return runs


@contextmanager
def _relayed(server: Server, round_trip_s: float) -> Iterator[str]:
    if round_trip_s == 0:
        yield server.url
        return
    with LoopThread() as loop:
        yield loop.keep(DelayRelay(server.url, round_trip_s)).url


def _notice_every_fault(present: list[Tool], server: Server, folders: dict[str, Path]) -> None:
    """The negative control: for each check there is a fault, and no tool may be content with it."""
    content: list[str] = []
    for fault in FAULTS:
        print(f"negative control: {fault}", file=sys.stderr)
        content += [
            f"{tool.name}: {fault}"
            for tool in present
            if measure.overlooked(tool, server, fault, folders[tool.name])
        ]
    if content:
        raise SystemExit("faults that were overlooked: " + "; ".join(content))
    print(f"\nEach of {len(FAULTS)} faults was noticed by each of {len(present)} tools.")


def _print_table(present: list[Tool], round_trips_ms: list[int], runs: Runs) -> None:
    delays = [f"{ms} ms" for ms in round_trips_ms]
    heads = ["", *delays, "processor", "memory", "requests", "connections", "protocol"]
    print(_line(heads), _line(["---"] * len(heads)), sep="\n")
    limits = [f"{limit_s(ms / 1000) * 1000:.0f} ms" for ms in round_trips_ms]
    print(_line(["the limit", *limits, "", "", "", "1", ""]))
    for tool in present:
        print(_line(_row(tool, round_trips_ms, runs)), flush=True)
    for tool in tools():
        if tool.missing:
            print(f"\nNot here: {tool.name}: {tool.missing}.")


def _row(tool: Tool, round_trips_ms: list[int], runs: Runs) -> list[str]:
    walls = []
    for ms in round_trips_ms:
        wall_s = median(run.wall_s for run in runs[tool.name, ms])
        walls.append(f"{wall_s * 1000:,.0f} ms ({wall_s / limit_s(ms / 1000):.2f} x)")
    every = [run for ms in round_trips_ms for run in runs[tool.name, ms]]
    return [
        tool.name,
        *walls,
        f"{median(run.processor_s for run in every) * 1000:,.0f} ms",
        f"{median(run.peak_mb for run in every):.0f} MB",
        f"{median(run.seen.requests.total() for run in every):.0f}",
        f"{median(run.seen.connections for run in every):.0f}",
        ", ".join(sorted(set().union(*(run.seen.protocols for run in every)))),
    ]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
