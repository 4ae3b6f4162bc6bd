"""Charts of a line: every day has its place, and a bar says what it stands for."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smokegate.history.charts import BARS, NOTHING, Calendar, calendar, of_shares, of_sizes
from smokegate.reports.outlet import Outlet

FIRST = date(2026, 1, 1)


def test_a_day_is_a_column_where_that_fits() -> None:
    days = calendar("2026-01-01T13:00:00Z", "2026-01-07T01:00:00Z", 64)
    assert days.columns == 7
    assert [days.column(day) for day in ("2026-01-01", "2026-01-07")] == [0, 6]
    assert [days.column(day) for day in ("2025-12-31", "2026-01-08")] == [None, None]
    assert days.marks(["2026-01-02", "2026-01-07", "2026-02-01"]) == "·^····^"
    assert days.axis == "2026-01-01 to 2026-01-07, a column is a day"


@given(st.integers(0, 900), st.integers(1, 120))
def test_days_that_do_not_fit_share_columns(more: int, columns: int) -> None:
    days = Calendar(FIRST, FIRST + timedelta(days=more), columns)
    places = [days.column((FIRST + timedelta(days=day)).isoformat()) for day in range(more + 1)]
    assert places[0] == 0
    assert places[-1] == days.columns - 1 <= columns - 1
    assert places == sorted(place for place in places if place is not None)
    each = [places.count(place) for place in range(days.columns)]
    assert len(set(each[1:])) <= 1, "every column but the first has the same number of days"
    assert each[0] <= max(each)
    items = days.sorted_in(range(more + 1), lambda n: (FIRST + timedelta(days=n)).isoformat())
    assert [len(some) for some in items] == each


def test_a_change_of_the_clock_is_no_day() -> None:
    days = calendar("2026-03-28T23:30:00Z", "2026-03-30T00:30:00Z", 64)
    assert days.columns == 3


def test_only_a_whole_share_is_a_whole_bar() -> None:
    assert of_shares([1.0, 0.999, 0.5, 0.001, 0.0, None]) == "█▇▄▁▁·"


def test_the_largest_size_is_a_whole_bar() -> None:
    assert of_sizes([2.0, 1.0, 0.0, None]) == "█▅▁·"
    assert of_sizes([None, 0.0]) == "·▁"
    assert of_sizes([]) == ""


@given(st.lists(st.none() | st.floats(0, 1)))
def test_more_is_never_less(shares: list[float | None]) -> None:
    known = sorted(each for each in shares if each is not None)
    for chart in of_shares, of_sizes:
        assert [BARS.index(bar) for bar in chart(known)] == sorted(map(BARS.index, chart(known)))
        assert len(chart(shares)) == len(shares)
        assert chart(shares).count(NOTHING) == shares.count(None)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_without_these_letters_a_chart_is_of_others(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    Outlet(stream).line(f"{BARS}{NOTHING}|")
    assert raw.getvalue() == b"_,-:=+*# |\n"
