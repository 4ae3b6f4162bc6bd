"""One tool, run once: how long it took, what it used, and what the server saw of it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from bench.time_to_verdict.server import Seen, Server
from bench.time_to_verdict.tools import Tool
from bench.time_to_verdict.work import difference


@dataclass(frozen=True)
class Run:
    """What came of it; processor time and memory are those of all its processes."""

    code: int
    wall_s: float
    processor_s: float
    peak_mb: float
    seen: Seen


def run(tool: Tool, server: Server, url: str, folder: Path) -> Run:
    """Run a tool against a URL that leads to the server."""
    began_s = time.perf_counter()
    process = tool.start(url, server.ca_file, folder)
    _, status, used = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - began_s
    process.returncode = os.waitstatus_to_exitcode(status)
    processor_s = used.ru_utime + used.ru_stime
    return Run(process.returncode, wall_s, processor_s, used.ru_maxrss / 1024, server.seen())


def run_well(tool: Tool, server: Server, url: str, folder: Path) -> Run:
    """Run it against the healthy server; raises `SystemExit` unless it did the whole work."""
    done = run(tool, server, url, folder)
    if done.code != 0:
        output = (folder / "output").read_text(errors="replace")
        raise SystemExit(f"{tool.name}: exit {done.code} on a healthy server\n{output}")
    if unequal := difference(done.seen.requests):
        raise SystemExit(f"{tool.name}: it did other work than the rest: {unequal}")
    if left := server.accounts():
        raise SystemExit(f"{tool.name}: it left accounts: {left}")
    return done


def overlooked(tool: Tool, server: Server, fault: str, folder: Path) -> bool:
    """Whether a tool is content with a server that has a fault."""
    server.break_one(fault)
    try:
        return run(tool, server, server.url, folder).code == 0
    finally:
        server.break_one("none")
