"""Are these times slower than those? The test of Mann and Whitney, with the size of the effect.

H. B. Mann and D. R. Whitney, On a Test of Whether one of Two Random Variables is Stochastically
Larger than the Other, 1947. U counts the pairs in which the later time is the longer one, half of
those that are equal. The p-value is one-sided and of the normal approximation, with its correction
for ties and for continuity. The size of the effect is A = U / (n1 n2), the probability that a later
time is the longer one (A. Vargha and H. D. Delaney, A Critique and Improvement of the CL Common
Language Effect Size Statistics, 2000): 0.5 where nothing changed.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import accumulate
from typing import NamedTuple

FEWEST = 15  # below, the normal approximation is rough and a median says little
# All four must hold before times count as slower: what a busy machine does to a healthy target,
# minutes apart, must not close a gate.
_DOUBT = 0.001
_EFFECT = 0.9
_TIMES_SLOWER = 2.0
_SLOWER_BY_S = 0.020


class Comparison(NamedTuple):
    """Later times beside earlier ones, in seconds."""

    p: float
    effect: float
    median_s: float
    earlier_median_s: float

    @property
    def is_slower(self) -> bool:
        """Whether the later times are longer beyond doubt, and by enough to matter."""
        return (
            self.p < _DOUBT
            and self.effect >= _EFFECT
            and self.median_s >= _TIMES_SLOWER * self.earlier_median_s
            and self.median_s - self.earlier_median_s >= _SLOWER_BY_S
        )


def compare(times_s: list[float], earlier_s: list[float]) -> Comparison:
    """Compare two samples, none of them empty."""
    from statistics import median  # most runs compare nothing

    u = _pairs_that_grew(times_s, earlier_s)
    return Comparison(
        p=_chance_of(u, times_s, earlier_s),
        effect=u / (len(times_s) * len(earlier_s)),
        median_s=median(times_s),
        earlier_median_s=median(earlier_s),
    )


def _pairs_that_grew(later: list[float], earlier: list[float]) -> float:
    """U of the later sample, from the sum of its ranks; equal values share theirs."""
    counts = Counter([*later, *earlier])
    values = sorted(counts)
    ends = accumulate(counts[value] for value in values)
    rank = {value: end - (counts[value] - 1) / 2 for value, end in zip(values, ends, strict=True)}
    return sum(rank[value] for value in later) - len(later) * (len(later) + 1) / 2


def _chance_of(u: float, later: list[float], earlier: list[float]) -> float:
    """The probability of such a U or a larger one, if both samples come from one distribution."""
    pairs, total = len(later) * len(earlier), len(later) + len(earlier)
    ties = sum(n**3 - n for n in Counter([*later, *earlier]).values())
    variance = pairs / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0  # all values are equal
    z = (u - pairs / 2 - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2)) / 2
