"""What a run requested when: a lane for everybody who made requests, with the phases of each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from smokegate.history.queries import ExchangeLine, RememberedRun
from smokegate.reports.page.markup import Markup, element, joined
from smokegate.reports.page.timeline import PHASES, Scale, Span, drawing, phases_of
from smokegate.reports.page.waterfall import axis
from smokegate.reports.wording import seconds, several
from smokegate.results import Timing
from smokegate.service.pages.words import fitted

_LANES_CHARS = 20_000
_CONNECTING = frozenset({"dns", "connect", "tls"})
_KINDS = {"connect": "connecting", "wait": "waiting for and receiving a reply"}
_SLOWEST = 8


def lanes(found: RememberedRun) -> Markup:
    """The lanes in the order in which they begin, and the slowest requests."""
    if not found.exchanges:
        return Markup()
    owners: dict[str, list[ExchangeLine]] = {}
    for each in sorted(found.exchanges, key=lambda each: each.started_s):
        owners.setdefault(each.owner, []).append(each)
    end_s = max(each.started_s + each.total_s for each in found.exchanges)
    scale = Scale(0.0, max(end_s, found.run.duration_s))
    makers = (partial(_lane, *each, scale) for each in owners.items())
    shown, note = fitted(_LANES_CHARS, makers, "lane")
    drawn = element("div", axis(scale), shown, class_="lanes")
    return joined(_keys(_KINDS), drawn, note, _slowest(found))


def _lane(owner: str, asked: list[ExchangeLine], scale: Scale) -> Markup:
    spans: dict[str, list[Span]] = {kind: [] for kind in _KINDS}
    for each in asked:
        for phase, span in phases_of(_timing(each), each.started_s):
            spans["connect" if phase in _CONNECTING else "wait"].append(span)
    bars = (scale.merged(kind, some) for kind, some in spans.items())
    return element(
        "div",
        element("code", owner),
        drawing(*bars, kind="lane"),
        element("span", several(len(asked), "request")),
        class_="lane-of",
    )


def _timing(each: ExchangeLine) -> Timing:
    names = ("dns_s", "connect_s", "tls_s", "wait_s", "receive_s", "total_s")
    return Timing(**{name: getattr(each, name) for name in names})


def _keys(kinds: Mapping[str, str]) -> Markup:
    items = (
        element("li", drawing(element("rect", class_=kind, width="100%"), kind="key"), words)
        for kind, words in kinds.items()
    )
    return element("ul", *items, class_="keys")


def _slowest(found: RememberedRun) -> Markup:
    slowest = sorted(found.exchanges, key=lambda each: -each.total_s)[:_SLOWEST]
    return joined(element("h3", "Slowest requests"), _keys(PHASES), *map(_request, slowest))


def _request(each: ExchangeLine) -> Markup:
    scale = Scale(each.started_s, each.total_s)
    bars = (scale.bar(*phase) for phase in phases_of(_timing(each), each.started_s))
    return element(
        "div",
        element("b", "no reply" if each.status is None else f"{each.status}"),
        element("code", f"{each.method} {each.path}"),
        drawing(*bars, kind="bar"),
        element("span", seconds(each.total_s)),
        class_="ask",
    )
