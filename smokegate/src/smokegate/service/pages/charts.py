"""Pictures drawn on the server: bars of verdicts, lines of measures, and marks of deployments.

A picture is as wide as its place, and stretched to it; so its words stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple, TypeVar

from smokegate.history.detection import DeploymentLine
from smokegate.reports.page.markup import Markup, element, joined, text
from smokegate.results import Action
from smokegate.service.pages.calendars import Calendar, place, ticks

_WIDTH, _HEIGHT = 1_000, 100
_STACKED = [action.value for action in Action]
_GAP = 0.08  # of a column, on either side of its bar
_APART = 0.1  # of the width, so that labels do not lie on each other
_EDGE = 0.04  # where a label would hang over
_LABEL_CHARS = 30
_NICE = (1.0, 2.0, 5.0, 10.0)
_FLOORS = (0.99, 0.95, 0.9, 0.8, 0.5)

T = TypeVar("T")

Verdicts = Mapping[str, int]
Values = Sequence[float | None]
Point = tuple[float, float]
Label = tuple[float, str]  # a place, from 0 to 1, with its words


class Line(NamedTuple):
    """Values by column with their bounds; None where there is none."""

    kind: str
    values: Values
    low: Values
    high: Values


class Axis(NamedTuple):
    """What a picture's height means, from its foot to its top, in words as well."""

    floor: float
    top: float
    words: Sequence[str]  # from the top down, at equal distances

    def height(self, value: float) -> float:
        """Where a value is, from the top; what is beyond is at the edge."""
        share = (value - self.floor) / (self.top - self.floor)
        return _HEIGHT * (1 - min(max(share, 0.0), 1.0))


def share_axis(values: Iterable[float | None]) -> Axis:
    """An axis of shares, which are mostly close to 1: as much of it as the values need."""
    least = min((each for each in values if each is not None), default=1.0)
    floor = next((each for each in _FLOORS if each <= least), 0.0)
    return Axis(floor, 1.0, ["100%", f"{(1 + floor) / 2:.1%}".replace(".0%", "%"), f"{floor:.0%}"])


def time_axis(values: Iterable[float | None]) -> Axis:
    """An axis of durations, from none to a round number of seconds."""
    most = max((each for each in values if each is not None), default=1.0) or 1.0
    power = 10.0 ** (len(f"{int(most)}") - 1) if most >= 1 else _power_below(most)
    top = next(each * power for each in _NICE if each * power >= most)
    return Axis(0.0, top, [_time(top), _time(top / 2), "0"])


def _power_below(value: float) -> float:
    power = 1.0
    while power > value:
        power /= 10
    return power


def _time(duration_s: float) -> str:
    return f"{duration_s:g} s" if duration_s >= 1 else f"{duration_s * 1000:g} ms"


def bars(columns: Sequence[Verdicts], *, label: str = "", marks: Sequence[float] = ()) -> Markup:
    """A bar for each column, as high as it has runs, in the colours of their verdicts."""
    most = max((sum(each.values()) for each in columns), default=0) or 1
    drawn = [_path(action, _blocks(action, columns, most)) for action in _STACKED]
    return _picture(*drawn, *map(_mark, marks), kind="bars", label=label)


def _blocks(action: str, columns: Sequence[Verdicts], most: int) -> Iterator[str]:
    wide = _WIDTH / max(len(columns), 1)
    below_it = _STACKED[: _STACKED.index(action)]
    for number, column in enumerate(columns):
        if column.get(action):
            foot = sum(column.get(each, 0) for each in below_it)
            top = _HEIGHT * (1 - (foot + column[action]) / most)
            left = wide * (number + _GAP)
            width, height = wide * (1 - 2 * _GAP), _HEIGHT * column[action] / most
            yield f"M{left:.4g} {top:.4g}h{width:.4g}v{height:.4g}h-{width:.4g}z"


def lines(
    those: Sequence[Line],
    axis: Axis,
    *,
    label: str,
    marks: Sequence[float],
    changes: Sequence[Label] = (),
) -> Markup:
    """Lines with their bounds as bands, over the marks; those of changes stand out."""
    drawn = [_mark(each) for each in marks]
    drawn += [_mark(at, "mark changed") for at, _ in changes]
    drawn += [_path(f"band {each.kind}", _bands(each, axis)) for each in those]
    drawn += [_path(f"line {each.kind}", _strokes(each.values, axis)) for each in those]
    return _picture(*drawn, kind="lines", label=label)


def _bands(line: Line, axis: Axis) -> Iterator[str]:
    """The bounds as areas, where both are known."""
    bounds = zip(line.low, line.high, strict=True)
    known = [None if low is None or high is None else (low, high) for low, high in bounds]
    for stretch in _stretches(known):
        upper = [(x, axis.height(high)) for x, (_, high) in stretch]
        lower = [(x, axis.height(low)) for x, (low, _) in stretch]
        yield f"M{_points([*upper, *reversed(lower)])}z"


def _strokes(values: Values, axis: Axis) -> Iterator[str]:
    for stretch in _stretches(values):
        yield f"M{_points((x, axis.height(value)) for x, value in stretch)}"


def _stretches(values: Sequence[T | None]) -> Iterator[list[tuple[float, T]]]:
    """Values that stand next to each other, with their places; one alone stands in two."""
    wide = _WIDTH / max(len(values), 1)
    for is_gap, those in groupby(enumerate(values), lambda each: each[1] is None):
        if is_gap:
            continue
        there = [(wide * (number + 0.5), value) for number, value in those if value is not None]
        if len(there) == 1:
            ((middle, value),) = there
            there = [(middle - wide / 4, value), (middle + wide / 4, value)]
        yield there


def _points(points: Iterable[Point]) -> str:
    return "L".join(f"{x:.4g} {y:.3g}" for x, y in points)


def _path(kind: str, pieces: Iterable[str]) -> Markup:
    drawn = "".join(pieces)
    return Markup(f'<path class="{kind}" d="{drawn}"/>') if drawn else Markup()


def _mark(at: float, kind: str = "mark") -> Markup:
    x = f"{at * _WIDTH:.4g}"
    return element("line", class_=kind, x1=x, x2=x, y1="0", y2=f"{_HEIGHT}")


def _picture(*drawn: Markup, kind: str, label: str) -> Markup:
    return element(
        "svg",
        *drawn,
        class_=kind,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        preserveAspectRatio="none",
        role="img" if label else "",
        aria_label=label,
        aria_hidden="" if label else "true",
    )


def places(those: Iterable[DeploymentLine], days: Calendar) -> list[float]:
    """Where deployments are."""
    return [place(days, each.deployed_at) for each in those]


def labels(those: Iterable[Label], kind: str, *, rows: int = 1, apart: float = _APART) -> Markup:
    """Words where they belong, above a picture; what finds no room in any row is left out."""
    taken: list[list[float]] = [[] for _ in range(rows)]
    made = []
    for at, words in those:
        fits = [all(abs(at - other) >= apart for other in row) for row in taken]
        if any(fits):
            row = fits.index(True)
            taken[row].append(at)
            made.append(_label(at, text(words, _LABEL_CHARS), row))
    return element("svg", *made, class_=f"labels {kind}", aria_hidden="true")


def day_axis(days: Calendar) -> Markup:
    """The days below a picture."""
    return element(
        "svg", *(_label(*tick) for tick in ticks(days)), class_="days", aria_hidden="true"
    )


def _label(at: float, words: str, row: int = 0) -> Markup:
    anchor = "start" if at < _EDGE else "end" if at > 1 - _EDGE else ""
    return element("text", words, x=f"{at:.1%}", y=f"{12 + 14 * row}", class_=anchor)


def chart(title: str, axis: Sequence[str], *rows: Markup, keys: Markup | str = "") -> Markup:
    """A picture between its title, the words of its height, and its days."""
    words = element(
        "div", *(element("span", each) for each in axis), class_="height", aria_hidden="true"
    )
    return element(
        "figure", element("figcaption", title, keys), words, element("div", *rows), class_="chart"
    )


def key(kind: str, words: str) -> Markup:
    """What a colour means."""
    return element("span", element("i", class_=f"swatch {kind}"), words, class_="of-key")


def totals(columns: Sequence[Verdicts]) -> dict[str, int]:
    """How many there were of each verdict that there was."""
    summed = {each: sum(column.get(each, 0) for column in columns) for each in _STACKED}
    return {action: total for action, total in summed.items() if total}


def keys_of(columns: Sequence[Verdicts]) -> Markup:
    """What the colours of verdicts mean, with how many there were."""
    return joined(*(key(each, f"{total:,} {each}") for each, total in totals(columns).items()))
