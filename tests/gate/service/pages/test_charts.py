"""Pictures are to scale, and say nothing where nothing is known."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smokegate.history.charts import Calendar
from smokegate.history.detection import DeploymentLine
from smokegate.history.measures import share
from smokegate.history.tables import RUN_BUCKETS_S
from smokegate.history.tallies import RunTally, runs_tallied
from smokegate.history.versions import RunVersionTally
from smokegate.service.pages import calendars, charts, trends
from smokegate.service.pages.charts import Axis, Line, bars, lines, share_axis, time_axis
from smokegate.service.pages.trends import Trend

DAY = date(2026, 1, 31)


def paths(picture: str) -> dict[str, str]:
    return dict(re.findall(r'<path class="([^"]+)" d="([^"]*)"', picture))


def deployed(at: str, version: str = "1") -> DeploymentLine:
    return DeploymentLine(
        environment="production",
        target="https://a.example",
        version=version,
        deployed_at=at,
        source="marked",
        first=None,
        closing=None,
        detected_after_s=None,
    )


def test_bars_are_stacked_to_the_scale_of_the_highest() -> None:
    drawn = paths(bars([{"proceed": 3, "rollback": 1}, {}, {"proceed": 2}]))
    wide = 1_000 / 3
    assert drawn["rollback"] == f"M{wide * 0.08:.4g} 0h280v25h-280z"
    first, second = re.findall(r"M(\S+) (\S+)h\S+v(\S+?)h", drawn["proceed"])
    assert (float(first[1]), float(first[2])) == (25, 75)
    assert (float(second[1]), float(second[2])) == (50, 50)
    assert float(second[0]) == pytest.approx(wide * 2.08, abs=1)


def test_no_runs_are_no_bars() -> None:
    assert paths(bars([{}, {}])) == {}
    assert paths(bars([])) == {}


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["proceed", "rollback"]), st.integers(0, 9)), max_size=9
    )
)
def test_nothing_is_drawn_outside(columns: list[dict[str, int]]) -> None:
    for path in paths(bars(columns)).values():
        for x, y, width, height in re.findall(r"M(\S+) (\S+)h(\S+?)v(\S+?)h", path):
            assert float(x) >= 0
            assert float(x) + float(width) <= 1_001
            assert 0 <= float(y) <= 100
            assert float(y) + float(height) <= 100.1


def test_a_line_breaks_where_nothing_was_measured() -> None:
    values = [1.0, 0.5, None, 0.0]
    line = Line("passed", values, [0.9, None, None, 0.0], [1.0, 1.0, None, 0.5])
    drawn = paths(lines([line], Axis(0.0, 1.0, []), label="", marks=[]))
    assert drawn["line passed"] == "M125 0L375 50M812.5 100L937.5 100"
    assert drawn["band passed"].count("M") == 2, "where both bounds are known"
    assert drawn["band passed"].startswith("M62.5 0L187.5 0L187.5 10L62.5 10z")


def test_what_is_beyond_the_axis_lies_at_its_edge() -> None:
    axis = Axis(0.9, 1.0, [])
    assert [axis.height(each) for each in (0.5, 0.9, 0.95, 1.0, 2.0)] == pytest.approx(
        [100, 100, 50, 0, 0]
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1.0, None], ["100%", "99.5%", "99%"]),
        ([0.97], ["100%", "97.5%", "95%"]),
        ([0.3, 1.0], ["100%", "50%", "0%"]),
        ([], ["100%", "99.5%", "99%"]),
    ],
)
def test_an_axis_of_shares_shows_what_the_values_need(
    values: list[float | None], words: list[str]
) -> None:
    assert share_axis(values).words == words


@pytest.mark.parametrize(
    ("most_s", "words"),
    [
        (0.004, ["5 ms", "2.5 ms", "0"]),
        (0.25, ["500 ms", "250 ms", "0"]),
        (0.5, ["500 ms", "250 ms", "0"]),
        (1.0, ["1 s", "500 ms", "0"]),
        (4.3, ["5 s", "2.5 s", "0"]),
        (7.0, ["10 s", "5 s", "0"]),
        (60.0, ["100 s", "50 s", "0"]),
        (300.0, ["500 s", "250 s", "0"]),
        (0.0, ["1 s", "500 ms", "0"]),
    ],
)
def test_an_axis_of_times_ends_at_a_round_one(most_s: float, words: list[str]) -> None:
    axis = time_axis([None, most_s])
    assert axis.words == words
    assert axis.top >= most_s


@given(st.floats(1e-6, 1e6))
def test_every_time_finds_its_axis(most_s: float) -> None:
    axis = time_axis([most_s])
    assert most_s <= axis.top <= 10 * most_s


def test_a_deployment_stands_in_the_column_of_its_day() -> None:
    days = Calendar(date(2026, 1, 2), DAY, 60)
    assert days.columns == 30
    assert calendars.place(days, "2026-01-02T00:00:00Z") == 0
    assert calendars.place(days, "2026-01-31T12:00:00Z") == pytest.approx(29.5 / 30)
    assert calendars.place(days, "2025-12-24T00:00:00Z") == 0, "what was before is at the edge"
    weeks = Calendar(date(2025, 2, 1), DAY, 60)
    assert (weeks.days_each, weeks.columns) == (7, 53)
    at = calendars.place(weeks, "2026-01-25T00:00:00Z")
    assert at == pytest.approx(52 / 53), "the last column has seven days"


def test_columns_are_named_by_their_first_day() -> None:
    assert calendars.names(Calendar(date(2026, 1, 30), DAY, 60)) == ["2026-01-30", "2026-01-31"]
    fives = calendars.names(Calendar(date(2026, 1, 20), DAY, 3))
    assert fives == ["2026-01-20 + 3 days", "2026-01-24 + 3 days", "2026-01-28 + 3 days"]


def test_versions_that_would_lie_on_each_other_are_left_out_the_newest_kept() -> None:
    days = Calendar(date(2026, 1, 2), DAY, 60)
    there = [
        deployed("2026-01-31T10:00:00Z", "3"),
        deployed("2026-01-31T09:00:00Z", "2"),
        deployed("2026-01-10T09:00:00Z", "1" * 40),
    ]
    places = charts.places(there, days)
    named = zip(places, (each.version for each in there), strict=True)
    labels = re.findall(r"<text [^>]*>([^<]*)</text>", charts.labels(named, "versions"))
    assert labels == ["3", "1" * 30 + "…"]
    assert len(places) == 3


def test_a_change_is_marked_where_it_came_in_and_said() -> None:
    days = Calendar(date(2026, 1, 2), DAY, 60)
    tally = RunTally(**runs_tallied({"proceed": 4}, 4, 4, [4] * len(RUN_BUCKETS_S)))
    slower = RunVersionTally(
        environment="production",
        version="1.2",
        began_at="2026-01-17T00:00:00Z",
        pass_rate=share(4, 4),
        p50=tally.p50,
        p95=tally.p95,
        changes=["slower"],
        opened=share(4, 4),
    )
    drawn = trends.pictures(Trend(days, [], [tally] * 30, [slower]), "by day", "runs")
    passed, took = drawn.split("<figure")[1:]
    assert "1.2 slower" not in passed
    assert ">1.2 slower</text>" in took
    assert '; 1.2 slower."' in took, "it is said to those who do not see it as well"
    assert '<line class="mark changed" x1="500" x2="500"' in took
