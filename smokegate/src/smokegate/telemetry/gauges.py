"""A run as gauges, for those who have no server of ours to scrape.

There is no counter among them: a process that begins at 1 each time has nothing that `rate()` could
see. `serve` has counters, over the whole history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from smokegate.results import Action, JudgedRun, Outcome

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
VERDICT = "smoke_run_verdict"
BEGAN = "smoke_run_last_timestamp_seconds"
SUCCEEDED = "smoke_run_last_success_timestamp_seconds"
DURATION = "smoke_run_duration_seconds"
CHECKS = "smoke_run_checks"
HELP = {
    VERDICT: "1 for the verdict of the newest run of all checks.",
    BEGAN: "When the newest run of all checks began.",
    SUCCEEDED: "When a run of all checks last opened the gate.",
    DURATION: "How long the newest run took.",
    CHECKS: "Checks of the newest run by outcome, probes included.",
}
_ESCAPED = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


class Gauge(NamedTuple):
    """A number with its labels."""

    name: str
    labels: dict[str, str]
    value: float


def gauges(run: JudgedRun) -> list[Gauge]:
    """What a run says; when one last succeeded is said by one that did."""
    there = {"environment": run.environment}
    action = run.verdict.action
    succeeded = [Gauge(SUCCEEDED, there, _unix_s(run.finished_at))] * action.opens_the_gate
    return [
        *(Gauge(VERDICT, {**there, "verdict": each.value}, each is action) for each in Action),
        Gauge(BEGAN, there, _unix_s(run.started_at)),
        *succeeded,
        Gauge(DURATION, there, run.duration_s),
        *_checks(run),
    ]


def _checks(run: JudgedRun) -> Iterator[Gauge]:
    counts = Counter((each.suite, each.outcome) for each in run.everything)
    for suite in sorted({each.suite for each in run.everything}):
        for outcome in Outcome:
            labels = {"environment": run.environment, "suite": suite, "outcome": outcome.value}
            yield Gauge(CHECKS, labels, counts[suite, outcome])


def exposition(there: Iterable[Gauge]) -> bytes:
    """Gauges in Prometheus' text format, version 0.0.4; those of a name follow each other."""
    lines = []
    last = ""
    for gauge in there:
        if gauge.name != last:
            lines += [f"# HELP {gauge.name} {HELP[gauge.name]}", f"# TYPE {gauge.name} gauge"]
        last = gauge.name
        lines.append(f"{series(gauge)} {float(gauge.value)!r}")
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")


def series(gauge: Gauge) -> str:
    """A gauge's name and labels, as in the text format."""
    labels = ",".join(f'{name}="{each.translate(_ESCAPED)}"' for name, each in gauge.labels.items())
    return f"{gauge.name}{{{labels}}}"


def _unix_s(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
