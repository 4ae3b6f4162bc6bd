"""What a sample of requests can tell about how often a target fails: exact binomial arithmetic.

    P(X >= k) = 1 - sum over i < k of C(n, i) p^i (1 - p)^(n - i)

Of 200 requests, 3 failures or more are seen with 99.8% probability at a true rate of 5%, and with
0.11% at one of 0.1%.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, exp, lgamma, log, log1p

HARMLESS_RATE = 0.001
HARMFUL_RATE = 0.05
_HALVINGS = 50


def at_least(failures: int, requests: int, rate: float) -> float:
    """The probability of so many failures or more, where each request fails at a true rate."""
    if failures <= 0:
        return 1.0
    if rate <= 0 or failures > requests:
        return 0.0
    if rate >= 1:
        return 1.0
    return max(0.0, 1.0 - sum(_exactly(k, requests, rate) for k in range(failures)))


def telling_failures(answered: int, failures: int, requests: int) -> int:
    """How many failures are too many in a sample that was cut short.

    The fewest that a harmless target shows no more often than it shows `failures` of `requests`,
    and at least the same share of them; more than one, which may be lost by chance.
    """
    alarms = at_least(failures, requests, HARMLESS_RATE)
    least = max(min(2, failures), ceil(failures * answered / max(requests, 1)))
    few = range(least, failures)
    return next((k for k in few if at_least(k, answered, HARMLESS_RATE) <= alarms), failures)


def _exactly(failures: int, requests: int, rate: float) -> float:
    ways = lgamma(requests + 1) - lgamma(failures + 1) - lgamma(requests - failures + 1)
    return exp(ways + failures * log(rate) + (requests - failures) * log1p(-rate))


def interval(failures: int, requests: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """The rates that such a sample leaves possible: Clopper and Pearson's exact interval (1934)."""
    doubt = (1 - confidence) / 2
    lowest = _rate_at(lambda rate: at_least(failures, requests, rate) < doubt)
    highest = _rate_at(lambda rate: at_least(failures + 1, requests, rate) < 1 - doubt)
    return (lowest if failures else 0.0), (highest if failures < requests else 1.0)


def _rate_at(is_below: Callable[[float], bool]) -> float:
    """Find by halving where something that grows with the rate ceases to be below a limit."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return high
