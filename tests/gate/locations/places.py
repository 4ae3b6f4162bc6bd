"""Runs from several locations, made by hand."""

from __future__ import annotations

import msgspec
from smokegate.locations.merging import merged
from smokegate.results import CheckResult, JudgedRun, LocationRun, Outcome, Run
from smokegate.verdict import judge

from tests.gate.samples import run_of

NAMES = ("eu", "us", "ap", "sa")
NOT_TAKEN = "no worker took it within 60 s"
Seen = list[CheckResult] | Run | None


def judged(run: Run) -> JudgedRun:
    """A run with its verdict."""
    fields = {name: getattr(run, name) for name in Run.__struct_fields__}
    return JudgedRun(**fields, verdict=judge(run))


def asked(*seen: Seen, quorum: str = "all") -> Run:
    """What was asked, with what each location saw; None has not answered."""
    runs = [run_of(*each) if isinstance(each, list) else each for each in seen]
    known = next((run.checks for run in runs if run), [])
    return run_of(
        *[
            msgspec.structs.replace(
                check, outcome=Outcome.UNKNOWN, reason="not asked", failed_consequences=[]
            )
            for check in known
        ],
        version="",
        quorum=quorum,
        locations=[
            LocationRun(
                name=name, run=judged(run) if run else None, reason="" if run else NOT_TAKEN
            )
            for name, run in zip(NAMES, runs, strict=False)
        ],
    )


def merged_run(*seen: Seen, quorum: str = "all") -> JudgedRun:
    """What several locations saw, merged and judged."""
    return judged(merged(asked(*seen, quorum=quorum)))
