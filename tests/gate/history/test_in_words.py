"""Numbers in words never leave out their count and their interval."""

from __future__ import annotations

import pytest
from smokegate.history.in_words import in_buckets, percent, quantile_in_words, share_in_words, span
from smokegate.history.measures import histogram_quantile, quantile, share


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0%"),
        (0.00001, "0.1%"),
        (0.5, "50%"),
        (0.123, "12.3%"),
        (0.99999, "99.9%"),
        (1, "100%"),
    ],
)
def test_percent_is_all_only_where_it_is(value: float, words: str) -> None:
    assert percent(value) == words


def test_a_share_says_of_how_many_and_how_surely() -> None:
    assert share_in_words(share(1, 4), "run") == "25% (4.6% to 69.9%) of 4 runs"
    assert share_in_words(share(1234, 1234), "run") == "100% (99.7% to 100%) of 1,234 runs"
    assert share_in_words(share(0, 1), "result") == "0% (0% to 79.3%) of 1 result"
    assert share_in_words(share(0, 0), "run") == "of no run"


def test_a_quantile_leaves_bounds_open_that_are_not_known() -> None:
    assert quantile_in_words(quantile([1.0] * 6, 0.5)) == "1.00 s (1.00 s to 1.00 s)"
    assert quantile_in_words(quantile([1.0] * 10, 0.95)) == "1.00 s (at least 1.00 s)"
    assert quantile_in_words(quantile([1.0] * 10, 0.05)) == "1.00 s (at most 1.00 s)"
    assert quantile_in_words(quantile([1.0], 0.5)) == "1.00 s (too few for an interval)"
    assert quantile_in_words(quantile([], 0.5)) == "not known"


def test_beyond_the_last_bucket_nothing_is_known() -> None:
    bounds_s, buckets = (1.0, 60.0), [1, 10]
    beyond = histogram_quantile(bounds_s, buckets, 20, 0.95)
    assert in_buckets(beyond, bounds_s, buckets) == "more than 60.0 s"
    within = histogram_quantile(bounds_s, buckets, 10, 0.5)
    assert in_buckets(within, bounds_s, buckets).startswith("27.2 s (")
    assert in_buckets(histogram_quantile(bounds_s, [0, 0], 0, 0.5), bounds_s, [0, 0]) == "not known"


@pytest.mark.parametrize(
    ("duration_s", "words"),
    [
        (0.012, "12 ms"),
        (125, "2 min 5 s"),
        (7_199, "119 min 59 s"),
        (7_200, "2 h 0 min"),
        (7_799, "2 h 10 min"),
        (172_799, "48 h 0 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_spans_are_as_people_read_them(duration_s: float, words: str) -> None:
    assert span(duration_s) == words
