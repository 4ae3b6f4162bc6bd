"""The measures, against numbers computed by hand and against models that are slow and plain."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smokegate.history.measures import (
    Result,
    Z,
    false_alarms,
    flips,
    histogram_quantile,
    is_overturned,
    pass_rate,
    quantile,
    share,
    time_to_detection_s,
)

from tests.gate.history.model import flips_of

COUNTS = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
LEVELS = st.sampled_from([0.5, 0.95])


@pytest.mark.parametrize(
    ("part", "total", "low", "high"),
    [  # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_a_share_has_wilsons_interval(part: int, total: int, low: float, high: float) -> None:
    found = share(part, total)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert found.value == pytest.approx(part / total)


@given(COUNTS)
def test_bounds_are_where_the_score_test_just_does_not_reject(counts: tuple[int, int]) -> None:
    part, total = counts
    found = share(part, total)
    assert 0 <= found.low <= found.high <= 1
    if total == 0:
        assert (found.value, found.low, found.high) == (None, 0, 1)
        return
    for bound, is_open in (found.low, part == 0), (found.high, part == total):
        if is_open:
            assert bound == part / total
        else:
            distance = Z * math.sqrt(bound * (1 - bound) / total)
            assert abs(part / total - bound) == pytest.approx(distance)


def test_a_share_of_none_is_no_number() -> None:
    assert share(0, 0).value is None


def test_warned_results_passed_and_skipped_ones_do_not_count() -> None:
    found = pass_rate(["passed", "warned", "failed", "blocked", "unknown", "skipped", "skipped"])
    assert (found.part, found.total) == (2, 5)


@pytest.mark.parametrize(
    ("level", "seconds"),
    [(0.2, 0.048), (0.5, 0.15), (0.8, 0.72), (0.95, 1.0)],  # Prometheus' own tests have the first 3
)
def test_quantiles_of_buckets_are_prometheus(level: float, seconds: float) -> None:
    found = histogram_quantile((0.1, 0.2, 1.0), (50, 70, 110), 120, level)
    assert found.value_s == pytest.approx(seconds)
    assert found.count == 120


def test_the_interval_of_buckets_by_hand() -> None:
    """p50 of 100 results: ranks 40 to 61, as tables of the binomial have it."""
    found = histogram_quantile((1.0, 2.0, 4.0, 8.0), (39, 60, 61, 100), 100, 0.5)
    assert (found.low_s, found.high_s) == (1.0, 4.0)
    found = histogram_quantile((1.0, 2.0, 4.0, 8.0), (40, 61, 62, 100), 100, 0.5)
    assert (found.low_s, found.high_s) == (0.0, 2.0)


def test_what_is_beyond_the_last_bucket_has_no_upper_bound() -> None:
    found = histogram_quantile((1.0, 2.0), (10, 20), 1000, 0.95)
    assert (found.value_s, found.low_s, found.high_s) == (2.0, 2.0, None)


def test_few_results_leave_bounds_open() -> None:
    found = histogram_quantile((1.0, 2.0), (3, 3), 3, 0.5)
    assert (found.low_s, found.high_s) == (None, None)
    assert histogram_quantile((1.0,), (0,), 0, 0.5).value_s is None


@given(st.lists(st.floats(0.001, 9.0), min_size=1, max_size=60), LEVELS)
def test_a_quantile_of_buckets_is_in_the_bucket_of_the_true_one(
    durations_s: list[float], level: float
) -> None:
    bounds_s = (0.5, 1.0, 2.0, 5.0)
    counts = [sum(each <= bound for each in durations_s) for bound in bounds_s]
    found = histogram_quantile(bounds_s, counts, len(durations_s), level)
    rank = math.ceil(Fraction(level) * len(durations_s))
    true = sorted(durations_s)[rank - 1]
    above = [bound for bound in bounds_s if true <= bound]
    assert found.value_s is not None
    if not above:
        assert found.value_s == bounds_s[-1]
        return
    below = max([0.0, *(bound for bound in bounds_s if bound < above[0])])
    assert below <= found.value_s <= above[0]
    assert (found.low_s or 0) <= found.value_s <= (found.high_s or math.inf)


@given(st.lists(st.floats(0.001, 9.0), min_size=1, max_size=120), LEVELS)
def test_the_interval_of_buckets_holds_that_of_the_durations(
    durations_s: list[float], level: float
) -> None:
    """An edge of a bucket is never within it, and none is closer than it has to be."""
    bounds_s = (0.5, 1.0, 2.0, 5.0)
    counts = [sum(each <= bound for each in durations_s) for bound in bounds_s]
    found = histogram_quantile(bounds_s, counts, len(durations_s), level)
    exact = quantile(durations_s, level)
    assert (found.low_s is None) == (exact.low_s is None)
    if exact.low_s is not None:
        assert found.low_s == max([0.0, *(bound for bound in bounds_s if bound < exact.low_s)])
    if exact.high_s is None:
        assert found.high_s is None
    else:
        assert found.high_s == min((b for b in bounds_s if exact.high_s <= b), default=None)


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_bounds_of_very_many_are_those_of_the_normal_distribution(level: float) -> None:
    """One result a bucket, so that the bounds are ranks: of so many the binomial is as good."""
    count = 200_000
    found = histogram_quantile(range(1, count + 1), range(1, count + 1), count, level)
    spread = Z * math.sqrt(level * (1 - level) * count)
    assert found.low_s == pytest.approx(level * count - spread, abs=2)
    assert found.high_s == pytest.approx(level * count + spread, abs=2)


@given(st.lists(st.floats(0, 100), min_size=2, max_size=50))
def test_exact_quantiles_are_those_of_the_standard_library(durations_s: list[float]) -> None:
    cuts = statistics.quantiles(durations_s, n=20, method="inclusive")
    assert quantile(durations_s, 0.5).value_s == pytest.approx(cuts[9])
    assert quantile(durations_s, 0.95).value_s == pytest.approx(cuts[18])


def test_quantiles_of_one_and_of_none() -> None:
    one = quantile([3.0], 0.95)
    assert (one.value_s, one.low_s, one.high_s, one.count) == (3.0, None, None, 1)
    assert quantile([], 0.5).value_s is None


@pytest.mark.parametrize(("level", "fewest"), [(0.5, 6), (0.95, 72)])
def test_so_many_durations_give_an_upper_bound(level: float, fewest: int) -> None:
    assert quantile(range(fewest), level).high_s == fewest - 1
    assert quantile(range(fewest - 1), level).high_s is None


@given(st.integers(1, 120), LEVELS)
def test_bounds_are_the_closest_ranks_that_are_safe(count: int, level: float) -> None:
    """Computed in fractions: each side misses in at most 2.5%, and the next rank in would not."""
    chances = [
        math.comb(count, below)
        * Fraction(level) ** below
        * (1 - Fraction(level)) ** (count - below)
        for below in range(count + 1)
    ]
    found = quantile(range(1, count + 1), level)
    low = int(found.low_s or 0)
    high = int(found.high_s or count + 1)
    tail = Fraction(25, 1000)
    assert sum(chances[:low]) <= tail < sum(chances[: low + 1])
    assert sum(chances[high:]) <= tail < sum(chances[high - 1 :])


AT = ("production", "https://api.example.com")


def results(outcomes: str, version: str = "1") -> list[Result]:
    """One result a minute; p passed, f failed, u unknown, w warned, b blocked, s skipped."""
    names = {
        "p": "passed", "f": "failed", "u": "unknown", "w": "warned", "b": "blocked", "s": "skipped",
    }  # fmt: skip
    return [Result(AT, version, at, names[each]) for at, each in enumerate(outcomes)]


@pytest.mark.parametrize(
    ("outcomes", "flipped", "pairs"),
    [
        ("", 0, 0),
        ("p", 0, 0),
        ("pppp", 0, 3),
        ("pfpf", 3, 3),
        ("pwwb", 1, 3),
        ("puspf", 1, 2),
        ("usus", 0, 0),
    ],
)
def test_flips_are_changes_between_passed_and_failed(
    outcomes: str, flipped: int, pairs: int
) -> None:
    found = flips(results(outcomes), {})
    assert (found.part, found.total) == (flipped, pairs)


def test_no_pair_spans_a_deployment_another_version_or_another_place() -> None:
    there = results("pfpf")
    assert flips(there, {AT: [1]}).total == 2, "deployed between the first and the second"
    assert flips(there, {AT: [2, 2]}).total == 2
    assert flips(there, {("staging", AT[1]): [1]}).total == 3
    assert flips([*there, *results("pppp", "2")], {}).total == 6
    assert flips(reversed(there), {}).part == 3, "in the order of time, not of arrival"


SEEN = st.builds(
    Result,
    st.sampled_from([("a", "x"), ("a", "y"), ("b", "x")]),
    st.sampled_from(["1", "2"]),
    st.integers(0, 30),
    st.sampled_from(["passed", "warned", "failed", "blocked", "unknown", "skipped"]),
)


@given(
    st.lists(SEEN, max_size=25, unique_by=lambda each: (each.place, each.at_ms)),
    st.dictionaries(
        st.sampled_from([("a", "x"), ("b", "x")]),
        st.lists(st.integers(0, 30), max_size=3).map(sorted),
    ),
)
def test_flips_are_those_of_the_plain_model(
    seen: list[Result], deployed: dict[tuple[str, str], list[int]]
) -> None:
    found = flips(seen, deployed)
    assert (found.part, found.total) == flips_of(seen, deployed)


@pytest.mark.parametrize(
    ("closed_ms", "next_ms", "seconds"),
    [
        ([], None, None),
        ([5_000, 3_000], None, 2.0),
        ([999], None, None),
        ([1_000], None, 0.0),
        ([3_000], 3_000, None),
        ([2_999], 3_000, 1.999),
    ],
)
def test_the_time_to_detection_ends_before_the_next_deployment(
    closed_ms: list[int], next_ms: int | None, seconds: float | None
) -> None:
    assert time_to_detection_s(1_000, next_ms, closed_ms) == seconds


@pytest.mark.parametrize(
    ("opened_ms", "deployed_ms", "overturned"),
    [(None, None, False), (9, None, True), (9, 8, False), (9, 9, False), (9, 10, True)],
)
def test_an_alarm_is_overturned_if_nothing_was_deployed_before_the_gate_opened(
    opened_ms: int | None, deployed_ms: int | None, overturned: bool
) -> None:
    assert is_overturned(5, opened_ms, deployed_ms) is overturned


def test_false_alarms_are_of_those_that_somebody_labelled() -> None:
    found = false_alarms(["false-alarm", "true-alarm", "true-alarm", "true-alarm", "missed"])
    assert (found.share.part, found.share.total, found.missed) == (1, 4, 1)
    assert false_alarms([]).share.value is None
