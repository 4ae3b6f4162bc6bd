"""Measures over the days, as pictures and as a table of the same numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from smokegate.history.detection import DeploymentLine
from smokegate.history.in_words import percent
from smokegate.history.measures import Quantile, Share
from smokegate.history.tallies import RunTally, Tally
from smokegate.history.versions import VersionTally
from smokegate.reports.page.markup import Markup, element, joined, table
from smokegate.reports.wording import seconds
from smokegate.service.pages import calendars, charts
from smokegate.service.pages.calendars import Calendar
from smokegate.service.pages.charts import Axis, Label, Line

_MARKS = (
    "A dotted line stands where a version was deployed, a whole one where one changed something "
    "beyond doubt. The band is the interval at 95%, where there are enough results for one."
)
_VERSION_CHARS = 16
_APART = 0.25  # a picture here is half as wide as the page
_OF_SHARES = ("passes less", "passes more")
_OF_TIMES = ("slower", "faster")


class Trend(NamedTuple):
    """Some days with what was deployed and measured in them, column by column."""

    days: Calendar
    deployments: Sequence[DeploymentLine]
    tallies: Sequence[Tally | RunTally]
    versions: Sequence[VersionTally] = ()

    @property
    def marks(self) -> list[float]:
        """Where something was deployed."""
        return charts.places(self.deployments, self.days)

    def changes(self, kinds: Sequence[str]) -> list[Label]:
        """The versions with which something changed, in words, where their first run is."""
        return [
            (calendars.place(self.days, each.began_at), f"{each.version[:_VERSION_CHARS]} {change}")
            for each in self.versions
            for change in each.changes
            if change in kinds
        ]


def pictures(trend: Trend, what: str, noun: str) -> Markup:
    """The share that passed and how long it took, drawn, and the same numbers as a table."""
    drawn = element("div", _passed(trend, what), _took(trend, what), class_="charts")
    return joined(element("p", _MARKS, class_="lead"), drawn, _numbers(trend, noun))


def _passed(trend: Trend, what: str) -> Markup:
    shares = [each.pass_rate for each in trend.tallies]
    values = [each.value for each in shares]
    axis = charts.share_axis(values)
    line = Line("passed", values, *_bounds(shares))
    label = f"Share of results that passed, {what}: {_range(map(_percent, values))}"
    drawn = _drawn([line], axis, label, trend, _OF_SHARES)
    return charts.chart("Results that passed", axis.words, *drawn)


def _drawn(
    those: Sequence[Line], axis: Axis, label: str, trend: Trend, kinds: Sequence[str]
) -> Iterator[Markup]:
    """Lines between what changed and the days."""
    changes = trend.changes(kinds)
    told = "; ".join([label, *(words for _, words in changes)])
    yield charts.labels(changes, "changes", rows=2, apart=_APART)
    yield charts.lines(those, axis, label=f"{told}.", marks=trend.marks, changes=changes)
    yield charts.day_axis(trend.days)


def _bounds(shares: Iterable[Share]) -> tuple[list[float | None], list[float | None]]:
    there = [(each.low, each.high) for each in shares]
    return [low for low, _ in there], [high for _, high in there]


def _took(trend: Trend, what: str) -> Markup:
    p95, p50 = ([getattr(each, name) for each in trend.tallies] for name in ("p95", "p50"))
    values = [each.value_s for each in p95]
    axis = charts.time_axis(values)
    those = [_line("p95", p95), _line("p50", p50)]
    label = f"Execution time, p95 {what}: {_range(map(_seconds, values))}"
    drawn = _drawn(those, axis, label, trend, _OF_TIMES)
    keys = joined(charts.key("p95", "p95"), charts.key("p50", "p50"))
    return charts.chart("Execution time", axis.words, *drawn, keys=keys)


def _line(kind: str, quantiles: Sequence[Quantile]) -> Line:
    low, high = ([getattr(each, name) for each in quantiles] for name in ("low_s", "high_s"))
    return Line(kind, [each.value_s for each in quantiles], low, high)


def _percent(share: float | None) -> str:
    return "" if share is None else percent(share)


def _seconds(time_s: float | None) -> str:
    return "" if time_s is None else seconds(time_s)


def _range(values: Iterable[str]) -> str:
    """The first and the last of values, for those who do not see a picture."""
    there = [each for each in values if each]
    return f"{there[0]} at first, {there[-1]} at last" if there else "nothing was measured"


def _numbers(trend: Trend, noun: str) -> Markup:
    names = calendars.names(trend.days)
    there: Iterable[tuple[str, Tally | RunTally]] = zip(names, trend.tallies, strict=True)
    rows = [_row(name, each) for name, each in there if each.p95.count]
    head = ("days", noun, "results that passed", "p50", "p95")
    numbers = table(head, reversed(rows))
    return element("details", element("summary", "The same as a table"), numbers, class_="numbers")


def _row(name: str, tally: Tally | RunTally) -> Markup:
    rate = tally.pass_rate
    return element(
        "tr",
        element("th", name, scope="row"),
        element("td", f"{tally.p95.count:,}"),
        element("td", f"{_percent(rate.value)} of {rate.total:,}"),
        element("td", _seconds(tally.p50.value_s)),
        element("td", _seconds(tally.p95.value_s)),
    )
