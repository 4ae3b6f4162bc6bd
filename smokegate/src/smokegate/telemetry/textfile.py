"""A file for node_exporter's textfile collector: one for each environment."""

from __future__ import annotations

import hashlib
import math
import re
from contextlib import suppress
from pathlib import Path

from smokegate.results import JudgedRun
from smokegate.telemetry.gauges import SUCCEEDED, Gauge, exposition, gauges, series
from smokegate.whole_file import write_whole

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 80
_MOST_BYTES = 100_000


def write(run: JudgedRun, folder: Path) -> str:
    """Write the gauges of a run; what went wrong in one line, or nothing.

    The file is there whole at any moment. When a run last succeeded is taken over from the file
    that was there before, where this run did not.
    """
    path = folder / file_name(run.environment)
    there = gauges(run)
    if not run.verdict.action.opens_the_gate:
        there += _kept(run, path)
    try:
        write_whole(path, exposition(there))
    except OSError as error:
        return f"metrics were not written to {path}: {error.strerror or error}"
    return ""


def file_name(environment: str) -> str:
    """The name of the file of an environment; no two share one."""
    safe = _UNSAFE.sub("_", environment)[:_LONGEST_NAME]
    if safe != environment:
        safe += "-" + hashlib.sha256(environment.encode("utf-8", "replace")).hexdigest()[:8]
    return f"smokegate_{safe}.prom"


def _kept(run: JudgedRun, path: Path) -> list[Gauge]:
    """When a run last succeeded, as the file says; nothing where it does not."""
    gauge = Gauge(SUCCEEDED, {"environment": run.environment}, 0.0)
    with suppress(OSError, ValueError), path.open("rb") as file:
        for line in file.read(_MOST_BYTES).decode().splitlines():
            name, _, value = line.rpartition(" ")
            if name == series(gauge) and math.isfinite(float(value)):
                return [gauge._replace(value=float(value))]
    return []
