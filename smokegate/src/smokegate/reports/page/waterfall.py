"""What ran when: a lane for every resource, probe and check, with the requests that it made."""

from __future__ import annotations

from collections.abc import Iterator

from smokegate.reports.page.entries import anchor, link
from smokegate.reports.page.markup import Markup, element, joined
from smokegate.reports.page.timeline import Scale, Span, drawing, phases_of
from smokegate.reports.wording import NOT_PASSED, seconds, several
from smokegate.results import Attempt, CheckResult, Exchange, JudgedRun, ResourceResult

_LANES = 100
_CONNECTING = frozenset({"dns", "connect", "tls"})
_LEGEND = {
    "connect": "connecting",
    "wait": "waiting for and receiving a reply",
    "lost": "without a reply",
    "lost failed": "without a reply, in a try that did not pass",
    "try": "a try",
    "try failed": "a try that did not pass",
}

Lane = CheckResult | ResourceResult


def waterfall(run: JudgedRun) -> Markup:
    """The run over time; what never began has no lane and is named below."""
    everything: list[Lane] = [*run.probes, *run.resources, *run.checks]
    began = [each for each in everything if each.attempts]
    if not began:
        return Markup()
    shown = sorted(sorted(began, key=_weight, reverse=True)[:_LANES], key=_began)
    scale = Scale(0.0, max(run.duration_s, *map(_end_s, began)))
    lanes = element("div", axis(scale), *(_lane(each, scale) for each in shown), class_="lanes")
    return joined(_legend(lanes), lanes, *_left_out(everything, began, shown))


def _left_out(everything: list[Lane], began: list[Lane], shown: list[Lane]) -> Iterator[Markup]:
    if len(shown) < len(began):
        words = f"{several(len(began) - len(shown), 'shorter lane')} not shown"
        yield element("p", words, class_="more")
    never = [each for each in everything if not each.attempts]
    if never:
        links = [joined(", " if number else "", link(each)) for number, each in enumerate(never)]
        more = f" and {len(never) - _LANES} more" if len(never) > _LANES else ""
        yield element("p", "Never began: ", *links[:_LANES], more, class_="more")


def _weight(lane: Lane) -> tuple[bool, float]:
    return lane.outcome in NOT_PASSED, lane.duration_s


def _began(lane: Lane) -> tuple[float, float]:
    return lane.attempts[0].started_s, _end_s(lane)


def _end_s(lane: Lane) -> float:
    return max(each.started_s + each.duration_s for each in lane.attempts)


def _lane(lane: Lane, scale: Scale) -> Markup:
    requests = sum(each.requests for each in lane.attempts)
    span = f"{seconds(_began(lane)[0])} to {seconds(_end_s(lane))}, {several(requests, 'request')}"
    name = lane.id if isinstance(lane, CheckResult) else lane.name
    what = "" if isinstance(lane, CheckResult) else element("i", " resource")
    return element(
        "a",
        element("code", name, what),
        drawing(*_bars(lane.attempts, scale), kind="lane"),
        element("span", seconds(lane.duration_s)),
        href=f"#{anchor(lane)}",
        title=span,
        class_=lane.outcome.value if lane.outcome in NOT_PASSED else "",
    )


def _bars(attempts: list[Attempt], scale: Scale) -> Iterator[Markup]:
    """A bar for each try, and over it what it was doing."""
    for attempt in attempts:
        failed = " failed" if attempt.outcome in NOT_PASSED else ""
        span = (attempt.started_s, attempt.started_s + attempt.duration_s)
        yield scale.bar(f"try{failed}", span)
        answered = [each for each in attempt.exchanges if not each.trouble]
        spans = [phase for each in answered for phase in phases_of(each.timing, each.started_s)]
        for kind, is_of in (("connect", True), ("wait", False)):
            yield scale.merged(kind, [s for phase, s in spans if (phase in _CONNECTING) is is_of])
        lost = [_whole(each) for each in attempt.exchanges if each.trouble]
        yield scale.merged(f"lost{failed}", lost)


def _whole(exchange: Exchange) -> Span:
    return exchange.started_s, exchange.started_s + exchange.timing.total_s


def axis(scale: Scale) -> Markup:
    """Round moments, with a line down through every lane."""
    ticks = list(scale.ticks())
    marks = [element("text", words, x=place, y="11") for words, place in ticks]
    rules = [element("line", x1=place, x2=place, y1="16", y2="100%") for _, place in ticks]
    return element("svg", *rules, *marks, class_="axis", aria_hidden="true")


def _legend(lanes: Markup) -> Markup:
    """What the colours mean that there are."""
    items = [
        element("li", drawing(element("rect", class_=kind, width="100%"), kind="key"), words)
        for kind, words in _LEGEND.items()
        if f'class="{kind}"' in lanes
    ]
    return element("ul", *items, class_="keys")
