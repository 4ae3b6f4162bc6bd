"""Measures in words: each with its count and its interval."""

from __future__ import annotations

from collections.abc import Sequence

from smokegate.history.measures import Quantile, Share
from smokegate.reports.wording import seconds, several

_LEAST, _MOST = 0.1, 99.9
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


def percent(share: float) -> str:
    """A share from 0 to 1 in percent; what is not all never reads as 100%, nor a little as 0%."""
    value = share * 100
    if 0 < share < 1:
        value = min(max(value, _LEAST), _MOST)
    return f"{value:.1f}".removesuffix(".0") + "%"


def share_in_words(share: Share, noun: str) -> str:
    """As in: 92.1% (88.4% to 94.8%) of 1,234 runs."""
    if share.value is None:
        return f"of no {noun}"
    number = several(share.total, noun).replace(str(share.total), f"{share.total:,}", 1)
    return f"{percent(share.value)} ({percent(share.low)} to {percent(share.high)}) of {number}"


def quantile_in_words(quantile: Quantile) -> str:
    """As in: 0.42 s (0.35 s to 0.51 s); bounds that so few say nothing about are left open."""
    if quantile.value_s is None:
        return "not known"
    low, high = quantile.low_s, quantile.high_s
    words = "too few for an interval"
    if low is not None and high is not None:
        words = f"{span(low)} to {span(high)}"
    elif low is not None:
        words = f"at least {span(low)}"
    elif high is not None:
        words = f"at most {span(high)}"
    return f"{span(quantile.value_s)} ({words})"


def span(duration_s: float) -> str:
    """A duration that may be days: 12 ms, 2 min 5 s, 3 h 20 min, 2 d 4 h."""
    if duration_s < 2 * _HOUR_S:
        return seconds(duration_s)
    if duration_s < 2 * _DAY_S:
        return _two(duration_s, (_HOUR_S, "h"), (_MINUTE_S, "min"))
    return _two(duration_s, (_DAY_S, "d"), (_HOUR_S, "h"))


def _two(duration_s: float, great: tuple[int, str], small: tuple[int, str]) -> str:
    parts, rest = divmod(round(duration_s / small[0]), great[0] // small[0])
    return f"{parts} {great[1]} {rest} {small[1]}"


def in_buckets(quantile: Quantile, bounds_s: Sequence[float], buckets: Sequence[int]) -> str:
    """The same of durations in buckets, the last of which ends somewhere."""
    if quantile.count and buckets[-1] < quantile.level * quantile.count:
        return f"more than {seconds(bounds_s[-1])}"
    return quantile_in_words(quantile)
