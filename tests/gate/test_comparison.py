"""Comparing times: against exact enumeration, reference values, and what must not close a gate."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest
from smokegate.comparison import Comparison, compare


def counted(later: list[float], earlier: list[float]) -> float:
    """U as it is defined, pair by pair."""
    return sum((a > b) + (a == b) / 2 for a in later for b in earlier)


def exact(later: list[float], earlier: list[float]) -> float:
    """The p-value by trying every way to divide the values into two such samples."""
    values, size = [*later, *earlier], len(later)
    seen = counted(later, earlier)
    extreme = total = 0
    for chosen in combinations(range(len(values)), size):
        one = [values[place] for place in chosen]
        other = [value for place, value in enumerate(values) if place not in chosen]
        total += 1
        extreme += counted(one, other) >= seen
    return extreme / total


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("ties", [False, True])
def test_it_is_close_to_the_exact_probability(seed: int, ties: bool) -> None:
    random = Random(seed)
    values = [random.randint(0, 4) if ties else random.random() for _ in range(13)]
    later, earlier = [*map(float, values[:6])], [*map(float, values[6:])]
    compared = compare(later, earlier)
    assert compared.effect == pytest.approx(counted(later, earlier) / 42)
    assert compared.p == pytest.approx(exact(later, earlier), abs=0.02 if not ties else 0.05)


def test_reference_values() -> None:
    """The example in the documentation of scipy.stats.mannwhitneyu, with continuity.

    U is 17, and the p-value of both sides together 0.11134688653314041.
    """
    males, females = [19.0, 22, 16, 29, 24], [20.0, 11, 17, 12]
    compared = compare(males, females)
    assert compared.effect == 17 / 20
    assert compared.p == pytest.approx(0.11134688653314041 / 2, rel=1e-12)


def test_equal_values_say_nothing() -> None:
    compared = compare([1.0] * 20, [1.0] * 20)
    assert (compared.p, compared.effect) == (1.0, 0.5)
    assert not compared.is_slower


def test_samples_that_do_not_overlap() -> None:
    slower = compare([0.1 + n / 1000 for n in range(20)], [0.01 + n / 1000 for n in range(20)])
    assert slower.effect == 1.0
    assert slower.p < 1e-6
    assert slower.is_slower
    faster = compare([0.01 + n / 1000 for n in range(20)], [0.1 + n / 1000 for n in range(20)])
    assert faster.effect == 0.0
    assert faster.p > 0.999
    assert not faster.is_slower


@pytest.mark.parametrize(
    ("changes", "is_slower"),
    [
        ({}, True),
        ({"p": 0.001}, False),
        ({"effect": 0.89}, False),
        ({"effect": 0.9}, True),
        ({"earlier_median_s": 0.0501}, False),
        ({"median_s": 0.020, "earlier_median_s": 0.001}, False),
        ({"median_s": 0.022, "earlier_median_s": 0.001}, True),
    ],
)
def test_slower_is_what_is_certain_large_and_long(
    changes: dict[str, float], is_slower: bool
) -> None:
    plain = Comparison(p=0.0001, effect=0.95, median_s=0.1, earlier_median_s=0.02)
    assert plain._replace(**changes).is_slower is is_slower


def test_noise_of_one_distribution_does_not_count_as_slower() -> None:
    random = Random(7)

    def sample(size: int) -> list[float]:
        return [random.lognormvariate(-4.5, 0.6) for _ in range(size)]

    assert not any(compare(sample(20), sample(100)).is_slower for _ in range(2_000))


def test_five_times_as_slow_is_noticed() -> None:
    random = Random(8)

    def sample(size: int, times: float = 1.0) -> list[float]:
        return [times * random.lognormvariate(-4.5, 0.4) for _ in range(size)]

    assert all(compare(sample(20, 5.0), sample(20)).is_slower for _ in range(200))
