"""Times drawn to scale: bars as rectangles of a picture whose width is that of its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from smokegate.reports.page.markup import Markup, element, joined
from smokegate.results import Attempt, Timing

PHASES = {
    "dns": "look up the name",
    "connect": "connect",
    "tls": "TLS",
    "wait": "wait",
    "receive": "receive",
}
_STEPS = 1_000  # a bar begins and ends at a tenth of a percent
_THINNEST = 2  # steps, so that a short request is seen at all
_MOST_TICKS = 7
_MOST_BARS = 30
_MILLISECONDS_BELOW_S = 1

Span = tuple[float, float]


class Scale(NamedTuple):
    """A stretch of time that a picture is as wide as, in seconds of the run."""

    begin_s: float
    length_s: float

    def bar(self, kind: str, span: Span) -> Markup:
        """A bar from one moment to another."""
        return self._drawn(kind, *self._steps(span))

    def merged(self, kind: str, spans: Iterable[Span]) -> Markup:
        """Bars over all of these spans; those that touch are one, and so are close ones if many."""
        made, gap = sorted(map(self._steps, spans)), 0
        while len(made := _united(made, gap)) > _MOST_BARS:
            gap = 2 * gap + 1
        return joined(*(self._drawn(kind, *each) for each in made))

    def ticks(self) -> Iterator[tuple[str, str]]:
        """Round moments with their places in percent."""
        step_s = _round_step(self.length_s)
        for number in range(int(self.length_s / step_s) + 1):
            yield _moment(number * step_s), _percent(round(number * step_s / self._whole * _STEPS))

    @property
    def _whole(self) -> float:
        return max(self.length_s, 1e-6)

    def _steps(self, span: Span) -> tuple[int, int]:
        begin, end = (self._step(moment_s) for moment_s in span)
        begin = min(begin, _STEPS - _THINNEST)
        return begin, max(end, begin + _THINNEST)

    def _step(self, moment_s: float) -> int:
        share = (moment_s - self.begin_s) / self._whole
        return round(min(max(share, 0.0), 1.0) * _STEPS)

    def _drawn(self, kind: str, begin: int, end: int) -> Markup:
        place, width = _percent(begin), _percent(end - begin)
        return Markup(f'<rect class="{kind}" x="{place}" width="{width}"/>')


def _united(spans: list[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    """Sorted spans, those as one between which there is no more than a gap."""
    made: list[tuple[int, int]] = []
    for begin, end in spans:
        if made and begin <= made[-1][1] + gap:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((begin, end))
    return made


def scale_of(attempt: Attempt) -> Scale:
    """The scale of an attempt, with what it asked."""
    ends_s = [each.started_s + each.timing.total_s for each in attempt.exchanges]
    end_s = max([attempt.started_s + attempt.duration_s, *ends_s])
    return Scale(attempt.started_s, end_s - attempt.started_s)


def phases_of(timing: Timing, at_s: float) -> Iterator[tuple[str, Span]]:
    """The phases of a request from a moment on, each with its span; between them it was sent."""
    end_s = at_s + timing.total_s
    for phase, spent_s in (
        ("dns", timing.dns_s),
        ("connect", timing.connect_s),
        ("tls", timing.tls_s),
    ):
        if spent_s:
            yield phase, (at_s, at_s + spent_s)
        at_s += spent_s
    received_s = end_s - timing.receive_s
    if timing.wait_s:
        yield "wait", (received_s - timing.wait_s, received_s)
    if timing.receive_s:
        yield "receive", (received_s, end_s)


def drawing(*bars: Markup, kind: str) -> Markup:
    """A picture of bars; what it shows is also said in words beside it."""
    return element("svg", *bars, class_=kind, aria_hidden="true")


def _round_step(length_s: float) -> float:
    """The time between two ticks: 1, 2 or 5 with zeros."""
    step_s = 0.001
    while length_s / step_s > _MOST_TICKS:
        for factor in (2, 2.5, 2):
            step_s *= factor
            if length_s / step_s <= _MOST_TICKS:
                break
    return step_s


def _moment(moment_s: float) -> str:
    if 0 < moment_s < _MILLISECONDS_BELOW_S:
        return f"{moment_s * 1000:g} ms"
    return f"{moment_s:g} s"


def _percent(steps: int) -> str:
    return f"{steps / 10:g}%"
