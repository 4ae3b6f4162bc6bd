"""What was counted of results and of runs, with the measures that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from smokegate.history.measures import OPENS, Quantile, Share, histogram_quantile, share
from smokegate.history.tables import BUCKETS_S, RUN_BUCKETS_S

COUNTS = ("total", "passed", "failed", "warned", "unknown", "flaky")


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Results, skipped ones left out.

    `retries` are those that passed on a second try only; `buckets` counts how many took no longer
    than each of `BUCKETS_S`.
    """

    total: int
    passed: int
    failed: int
    warned: int
    unknown: int
    flaky: int
    pass_rate: Share
    retries: Share
    p50: Quantile
    p95: Quantile
    buckets: list[int]


class RunTally(msgspec.Struct, frozen=True, kw_only=True):
    """Runs: by verdict, how many of them opened the gate, and how long they took.

    `pass_rate` is that of their checks' results; `buckets` counts how many runs took no longer than
    each of `RUN_BUCKETS_S`.
    """

    verdicts: dict[str, int]
    opened: Share
    pass_rate: Share
    p50: Quantile
    p95: Quantile
    buckets: list[int]


def tallied(counts: Mapping[str, int], buckets: Sequence[int]) -> dict[str, Any]:
    """The fields of a `Tally` of results that were counted."""
    total = counts["total"]
    return {
        **{name: counts[name] for name in COUNTS},
        "pass_rate": share(counts["passed"], total),
        "retries": share(counts["flaky"], total),
        "p50": histogram_quantile(BUCKETS_S, buckets, total, 0.5),
        "p95": histogram_quantile(BUCKETS_S, buckets, total, 0.95),
        "buckets": list(buckets),
    }


def runs_tallied(
    verdicts: Mapping[str, int], passed: int, results: int, buckets: Sequence[int]
) -> dict[str, Any]:
    """The fields of a `RunTally` of runs that were counted; so many of their results passed."""
    total = sum(verdicts.values())
    opened = sum(number for action, number in verdicts.items() if action in OPENS)
    return {
        "verdicts": dict(verdicts),
        "opened": share(opened, total),
        "pass_rate": share(passed, results),
        "p50": histogram_quantile(RUN_BUCKETS_S, buckets, total, 0.5),
        "p95": histogram_quantile(RUN_BUCKETS_S, buckets, total, 0.95),
        "buckets": list(buckets),
    }


def together(tallies: Iterable[Tally]) -> Tally:
    """Several tallies of results as one."""
    there = list(tallies)
    counts = {name: sum(getattr(each, name) for each in there) for name in COUNTS}
    return Tally(**tallied(counts, added([each.buckets for each in there], len(BUCKETS_S))))


def runs_together(tallies: Iterable[RunTally]) -> RunTally:
    """Several tallies of runs as one."""
    there = list(tallies)
    verdicts: dict[str, int] = {}
    for each in there:
        for action, number in each.verdicts.items():
            verdicts[action] = verdicts.get(action, 0) + number
    passed = sum(each.pass_rate.part for each in there)
    results = sum(each.pass_rate.total for each in there)
    buckets = added([each.buckets for each in there], len(RUN_BUCKETS_S))
    return RunTally(**runs_tallied(verdicts, passed, results, buckets))


def added(buckets: Sequence[Sequence[int]], width: int) -> list[int]:
    """Counts in buckets, place by place."""
    return [sum(each[place] for each in buckets) for place in range(width)]
