"""The arithmetic of a sample, against its definition in whole numbers."""

from __future__ import annotations

import re
from fractions import Fraction
from math import comb
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smokegate.engine.sampling import HARMLESS_RATE, at_least, interval, telling_failures


def exactly(failures: int, requests: int, rate: Fraction) -> Fraction:
    return comb(requests, failures) * rate**failures * (1 - rate) ** (requests - failures)


@given(st.integers(0, 40), st.integers(1, 40), st.integers(0, 20))
def test_a_tail_is_the_sum_of_its_terms(failures: int, requests: int, twentieths: int) -> None:
    rate = Fraction(twentieths, 20)
    wanted = sum(exactly(k, requests, rate) for k in range(failures, requests + 1))
    assert at_least(failures, requests, float(rate)) == pytest.approx(float(wanted), abs=1e-9)


def test_the_declared_power_of_the_default_sample() -> None:
    assert f"{at_least(3, 200, 0.05):.1%}" == "99.8%"
    assert f"{at_least(3, 200, 0.001):.2%}" == "0.11%"


@pytest.mark.parametrize(
    ("answered", "too_many"), [(1, 2), (2, 2), (3, 2), (40, 2), (60, 3), (200, 3)]
)
def test_so_many_failures_are_too_many_in_a_sample_cut_short(answered: int, too_many: int) -> None:
    assert telling_failures(answered, 3, 200) == too_many


@given(st.integers(1, 50), st.integers(0, 150), st.integers(0, 150))
def test_a_smaller_sample_cries_wolf_no_more_often(failures: int, more: int, answered: int) -> None:
    requests = failures + more
    answered = min(answered, requests)
    few = telling_failures(answered, failures, requests)
    assert few <= failures
    assert few == failures or few / max(answered, 1) >= failures / requests
    if few <= answered:
        alarms = at_least(few, answered, HARMLESS_RATE)
        assert alarms <= at_least(failures, requests, HARMLESS_RATE) + 1e-12


def test_a_large_sample_does_not_overflow() -> None:
    assert at_least(50_000, 100_000, 0.5) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("failures", "requests", "low", "high"),
    [  # Clopper and Pearson 1934, as tables have them
        (0, 200, 0.0, 0.0183),
        (1, 10, 0.0025, 0.4450),
        (5, 20, 0.0866, 0.4910),
        (20, 20, 0.8316, 1.0),
    ],
)
def test_the_exact_interval(failures: int, requests: int, low: float, high: float) -> None:
    assert interval(failures, requests) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 60), st.integers(0, 60))
def test_the_interval_holds_the_rate_that_was_seen(requests: int, failures: int) -> None:
    failures = min(failures, requests)
    low, high = interval(failures, requests)
    assert 0 <= low <= failures / requests <= high <= 1


def test_the_documentation_has_the_same_numbers() -> None:
    text = (Path(__file__).parents[3] / "docs/verdicts.md").read_text(encoding="utf-8")
    rows = re.findall(r"true rate ([\d.]+)%.*\| ([\d.]+)% \|", text)
    assert len(rows) == 4
    for rate, told in rows:
        decimals = len(told.partition(".")[2])
        assert told == f"{at_least(3, 200, float(rate) / 100) * 100:.{decimals}f}"
