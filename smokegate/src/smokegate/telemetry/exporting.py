"""Where what a run tells goes: to whatever the settings name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from smokegate.results import JudgedRun
from smokegate.settings import Settings


def export(run: JudgedRun, settings: Settings) -> Iterator[str]:
    """Export a run; a line for each place that it did not reach."""
    yield from _gauges(run, settings)
    from smokegate.telemetry import otlp

    if otlp.wanted(os.environ):
        yield from otlp.export(run)


def _gauges(run: JudgedRun, settings: Settings) -> Iterator[str]:
    """Those of a run of a part of the checks go nowhere: it must not look like one of all."""
    if not (settings.metrics_folder or settings.metrics_push):
        return
    if run.partial:
        yield "metrics were not exported: the run has only a part of the checks"
        return
    if settings.metrics_folder:
        from smokegate.telemetry import textfile

        yield textfile.write(run, Path(settings.metrics_folder))
    if settings.metrics_push:
        from smokegate.telemetry import pushgateway

        yield pushgateway.push(run, settings)
