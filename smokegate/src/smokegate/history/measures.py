"""The measures, as pure functions: shares, quantiles, flips, times to detection, false alarms.

No number comes without its count and its interval. Intervals are two-sided at 95%.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

import msgspec

from smokegate.results import Action, Outcome

Z = 1.959963984540054  # the normal distribution's quantile at 97.5%
_TAIL = 0.025
PASSES = frozenset(outcome.value for outcome in Outcome if outcome.passes)
FAILS = frozenset(outcome.value for outcome in Outcome if outcome.fails)
# What a verdict does to the gate: one that closes it is an alarm, an inconclusive one is neither.
OPENS = tuple(action.value for action in Action if action.opens_the_gate)
CLOSES = (Action.INVESTIGATE.value, Action.ROLLBACK.value)

FALSE_ALARM, TRUE_ALARM, MISSED = "false-alarm", "true-alarm", "missed"

Place = tuple[str, str]  # an environment and a target in it


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """`part` of `total` with its interval; of nothing, `value` is None and it may be anything."""

    part: int
    total: int
    value: float | None
    low: float
    high: float


class Quantile(msgspec.Struct, frozen=True, kw_only=True):
    """A quantile of `count` durations in seconds, with its interval.

    A bound is None where so few durations say nothing about it, or where it is beyond the last
    bucket.
    """

    level: float
    count: int
    value_s: float | None
    low_s: float | None
    high_s: float | None


class Result(NamedTuple):
    """How a check ended in a run that finished at a moment."""

    place: Place
    version: str
    at_ms: int
    outcome: str


class FalseAlarms(msgspec.Struct, frozen=True, kw_only=True):
    """What people said of verdicts: the share of alarms that were false, and what was missed."""

    share: Share
    missed: int


def share(part: int, total: int) -> Share:
    """`part / total` with Wilson's score interval.

    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n), for p = part / n and n = total. From
    E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal of
    the American Statistical Association 22 (1927).
    """
    if total == 0:
        return Share(part=0, total=0, value=None, low=0.0, high=1.0)
    value = part / total
    spread = Z * math.sqrt(value * (1 - value) / total + Z**2 / (4 * total**2))
    middle, scale = value + Z**2 / (2 * total), 1 + Z**2 / total
    return Share(
        part=part,
        total=total,
        value=value,
        low=(middle - spread) / scale if part else 0.0,
        high=(middle + spread) / scale if part < total else 1.0,
    )


def pass_rate(outcomes: Iterable[str]) -> Share:
    """Results that passed, warned ones included, of all that were not skipped.

    Unknown and blocked results are in the denominator: they did not pass.
    """
    counted = [outcome for outcome in outcomes if outcome != Outcome.SKIPPED.value]
    return share(sum(outcome in PASSES for outcome in counted), len(counted))


def quantile(durations_s: Sequence[float], level: float) -> Quantile:
    """The quantile of durations, interpolated between the closest ranks.

    That is type 7 of R. J. Hyndman and Y. Fan, Sample quantiles in statistical packages, The
    American Statistician 50 (1996). The interval is from one of the durations to another, whatever
    their distribution: the ranks come from the binomial distribution (W. J. Conover, Practical
    nonparametric statistics, 3.2). It needs 6 durations for a median, 72 for an upper bound of p95.
    """
    there = sorted(durations_s)
    if not there:
        return Quantile(level=level, count=0, value_s=None, low_s=None, high_s=None)
    below, part = divmod(level * (len(there) - 1), 1)
    lower, upper = there[int(below)], there[min(int(below) + 1, len(there) - 1)]
    low, high = _ranks(len(there), level)
    return Quantile(
        level=level,
        count=len(there),
        value_s=lower + (upper - lower) * part,
        low_s=there[low - 1] if low >= 1 else None,
        high_s=there[high - 1] if high <= len(there) else None,
    )


@lru_cache(maxsize=4096)  # checks of the same runs have the same count
def _ranks(count: int, level: float) -> tuple[int, int]:
    """Ranks, from 1, between which the quantile lies; 0 and `count` + 1 are beyond all of them."""
    # Of millions only those near the quantile are summed up: the others have less than 1e-12.
    reach = 8 * math.sqrt(level * (1 - level) * count) + 20
    first = max(0, math.floor(level * count - reach))
    last = min(count, math.ceil(level * count + reach))
    up_to = list(accumulate(_binomial(count, number, level) for number in range(first, last + 1)))
    return first + bisect_right(up_to, _TAIL), first + bisect_left(up_to, 1 - _TAIL) + 1


def _binomial(count: int, number: int, level: float) -> float:
    """The probability that so many of a count are below the quantile."""
    ways = math.lgamma(count + 1) - math.lgamma(number + 1) - math.lgamma(count - number + 1)
    return math.exp(ways + number * math.log(level) + (count - number) * math.log1p(-level))


def histogram_quantile(
    bounds_s: Sequence[float], counts: Sequence[int], total: int, level: float
) -> Quantile:
    """The quantile of durations that were counted: `counts[i]` are not longer than `bounds_s[i]`.

    Interpolated linearly within the bucket, from 0 in the first one; beyond the last bound it is
    that bound: as Prometheus' `histogram_quantile` does. The interval is that of `quantile`,
    widened to the edges of the buckets that its ends are in: where they are within is not known.
    """
    if total == 0:
        return Quantile(level=level, count=0, value_s=None, low_s=None, high_s=None)
    low, high = _ranks(total, level)
    below, above = bisect_left(counts, low), bisect_left(counts, high)
    return Quantile(
        level=level,
        count=total,
        value_s=_interpolated(bounds_s, counts, level * total),
        low_s=_start_s(bounds_s, below) if low >= 1 else None,
        high_s=bounds_s[above] if above < len(bounds_s) else None,
    )


def _interpolated(bounds_s: Sequence[float], counts: Sequence[int], rank: float) -> float:
    number = bisect_left(counts, rank)
    if number == len(counts):
        return bounds_s[-1]
    start_s, before = _start_s(bounds_s, number), counts[number - 1] if number else 0
    within = (rank - before) / (counts[number] - before)
    return start_s + (bounds_s[number] - start_s) * within


def _start_s(bounds_s: Sequence[float], number: int) -> float:
    return bounds_s[number - 1] if number else 0.0


def flips(results: Iterable[Result], deployed_ms: Mapping[Place, Sequence[int]]) -> Share:
    """How often a check changes its mind: flips of all pairs of consecutive results.

    A pair is two results next to each other, of one environment, target and version, with no
    deployment to that target between them; results that neither passed nor failed are left out. It
    is a flip if one passed and the other failed. `deployed_ms` is in order.
    """
    groups: dict[tuple[Place, str], list[Result]] = {}
    for result in results:
        if result.outcome in PASSES or result.outcome in FAILS:
            groups.setdefault((result.place, result.version), []).append(result)
    flipped = [
        (before.outcome in PASSES) != (after.outcome in PASSES)
        for group in groups.values()
        for before, after in pairwise(sorted(group, key=lambda each: each.at_ms))
        if not _is_between(before.at_ms, after.at_ms, deployed_ms.get(before.place, ()))
    ]
    return share(sum(flipped), len(flipped))


def _is_between(after_ms: int, until_ms: int, moments_ms: Sequence[int]) -> bool:
    return bisect_right(moments_ms, after_ms) != bisect_right(moments_ms, until_ms)


def time_to_detection_s(
    deployed_ms: int, next_ms: int | None, closed_ms: Iterable[int]
) -> float | None:
    """Seconds from a deployment to the first verdict that closed the gate, before the next one.

    `closed_ms` are the moments at which runs of that environment, target and version finished with
    the verdict investigate or rollback. None where none of them did.
    """
    within = [
        each for each in closed_ms if deployed_ms <= each and (next_ms is None or each < next_ms)
    ]
    return (min(within) - deployed_ms) / 1000 if within else None


def is_overturned(closed_ms: int, opened_ms: int | None, deployed_ms: int | None) -> bool:
    """Whether a closing verdict may have been a false alarm: the gate opened, nothing was deployed.

    `opened_ms` is when the next run of the same environment, target and version finished that
    opened the gate, `deployed_ms` when something was deployed to that target next; None for never.
    """
    if opened_ms is None or opened_ms <= closed_ms:
        return False
    return deployed_ms is None or opened_ms < deployed_ms


def false_alarms(labels: Iterable[str]) -> FalseAlarms:
    """False alarms of all closing verdicts that somebody labelled; problems missed, as a count.

    Those without a label are in neither number: nobody knows.
    """
    given = list(labels)
    false = given.count(FALSE_ALARM)
    return FalseAlarms(
        share=share(false, false + given.count(TRUE_ALARM)), missed=given.count(MISSED)
    )
