from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from smokegate.reports.page.timeline import PHASES, Scale, phases_of, scale_of
from smokegate.results import Outcome, Timing

from tests.gate.reports import parts

moments = st.floats(-1e3, 1e6, allow_nan=False)


def numbers(markup: str, name: str) -> list[float]:
    return [float(each) for each in re.findall(rf'{name}="([\d.]+)%"', markup)]


def test_a_bar_begins_and_ends_where_its_moments_are() -> None:
    made = Scale(10.0, 4.0).bar("wait", (11.0, 13.0))
    assert made == '<rect class="wait" x="25%" width="50%"/>'


def test_what_is_short_is_seen_at_all_and_stays_inside() -> None:
    assert numbers(Scale(0.0, 100.0).bar("wait", (100.0, 100.0)), "x") == [99.8]
    assert numbers(Scale(0.0, 100.0).bar("wait", (0.0, 0.0001)), "width") == [0.2]


@given(moments, st.floats(0, 1e6), moments, moments)
def test_every_bar_is_inside(begin_s: float, length_s: float, one_s: float, other_s: float) -> None:
    made = Scale(begin_s, length_s).bar("wait", (one_s, other_s))
    (x,), (width,) = numbers(made, "x"), numbers(made, "width")
    assert 0 <= x <= 99.8
    assert width > 0
    assert x + width <= 100 + 1e-9


def test_what_overlaps_is_one_bar() -> None:
    made = Scale(0.0, 10.0).merged("wait", [(5.0, 6.0), (0.0, 2.0), (1.0, 3.0)])
    assert numbers(made, "x") == [0, 50]
    assert numbers(made, "width") == [30, 10]


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), max_size=400))
def test_of_many_bars_the_close_ones_are_one(spans: list[tuple[float, float]]) -> None:
    made = Scale(0.0, 10.0).merged("wait", spans)
    assert len(numbers(made, "x")) <= 30
    assert bool(spans) == bool(made)


@pytest.mark.parametrize(
    ("length_s", "words"),
    [
        (0.004, ["0 s", "1 ms", "2 ms", "3 ms", "4 ms"]),
        (0.25, ["0 s", "50 ms", "100 ms", "150 ms", "200 ms", "250 ms"]),
        (7.33, ["0 s", "2 s", "4 s", "6 s"]),
        (300, ["0 s", "50 s", "100 s", "150 s", "200 s", "250 s", "300 s"]),
    ],
)
def test_ticks_are_round(length_s: float, words: list[str]) -> None:
    ticks = list(Scale(0.0, length_s).ticks())
    assert [each for each, _ in ticks] == words
    assert ticks[0][1] == "0%"


@given(st.floats(0, 1e5))
def test_there_are_few_ticks(length_s: float) -> None:
    assert 1 <= len(list(Scale(0.0, length_s).ticks())) <= 8


def test_phases_follow_each_other_and_a_reply_ends_with_its_request() -> None:
    timing = Timing(dns_s=0.01, connect_s=0.02, tls_s=0.04, wait_s=0.1, receive_s=0.05, total_s=0.3)
    phases = dict(phases_of(timing, 1.0))
    assert list(phases) == list(PHASES)
    assert phases["tls"] == pytest.approx((1.03, 1.07))
    assert phases["wait"] == pytest.approx((1.15, 1.25))  # what lies between was spent sending
    assert phases["receive"] == pytest.approx((1.25, 1.3))


def test_a_kept_connection_has_no_phases_before_the_wait() -> None:
    timing = Timing(wait_s=0.1, total_s=0.1)
    assert [phase for phase, _ in phases_of(timing, 0.0)] == ["wait"]


def test_an_attempt_is_as_wide_as_what_it_asked() -> None:
    late = parts.exchange(started_s=0.01, timing=Timing(total_s=0.5))
    attempt = parts.attempt(Outcome.PASSED, [late])
    assert scale_of(attempt) == pytest.approx((0.01, 0.5))
    alone = scale_of(msgspec.structs.replace(attempt, exchanges=[]))
    assert alone == pytest.approx((0.01, 0.02))
