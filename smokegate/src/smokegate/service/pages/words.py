"""What pages say in one way: links, verdicts, moments, and measures with their counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from urllib.parse import urlencode

from smokegate.history.in_words import in_buckets, percent, share_in_words
from smokegate.history.measures import Quantile, Share
from smokegate.history.rows import milliseconds
from smokegate.reports.page.entries import Room
from smokegate.reports.page.markup import Markup, element, joined, text
from smokegate.reports.wording import SIGNS, several
from smokegate.results import Action, Outcome

VERDICT_SIGNS = {
    Action.PROCEED.value: "✓",
    Action.MONITOR.value: "⚠",
    Action.INCONCLUSIVE.value: "?",
    Action.INVESTIGATE.value: "!",
    Action.ROLLBACK.value: "✗",
}
PROBES = "run"
Query = dict[str, str | int]

SOURCES = {"told": "told to a run", "marked": "marked", "sighted": "first sight"}
_MINUTE_S = 60
_UNITS = (("d", 86_400), ("h", 3_600))
_SHORT_CHARS = 60
_FEWEST = 2  # of a unit; 90 min say more than 1 h


def href(page: str, **query: str | int) -> str:
    """The address of a page, seen from any other; what is empty is left out of it."""
    given = {name: value for name, value in query.items() if value}
    return f"{page or './'}?{urlencode(given)}" if given else page or "./"


def link(words: str, page: str, **query: str | int) -> Markup:
    """A link to a page."""
    return element("a", words, href=href(page, **query))


def run_link(run_id: str, words: str = "") -> Markup:
    """A link to a run."""
    return link(words or run_id, "run", id=run_id)


def check_link(check: str, environment: str = "", days: int = 0) -> Markup:
    """A link to a check, within an environment and some days."""
    return link(check, "check", id=check, environment=environment, days=days)


def verdict(action: str, *, partial: bool = False) -> Markup:
    """A verdict with its sign and in its colour."""
    sign = element("span", VERDICT_SIGNS.get(action, "?"), class_="sign", aria_hidden="true")
    words = f"{action} (partial)" if partial else action
    return element("span", sign, words, class_=f"result {action}")


def outcome(name: str) -> Markup:
    """An outcome with its sign and in its colour."""
    sign = element("span", SIGNS[Outcome(name)], class_="sign", aria_hidden="true")
    return element("span", sign, name, class_=f"result {name}")


def age(moment: str, now_ms: int) -> str:
    """How long ago a moment was, in whole units: 13 h ago."""
    ago_s = max(0.0, (now_ms - milliseconds(moment)) / 1000)
    unit, length_s = next(
        (each for each in _UNITS if ago_s >= _FEWEST * each[1]), ("min", _MINUTE_S)
    )
    return f"{int(ago_s // length_s)} {unit} ago" if ago_s >= _MINUTE_S else "just now"


def minute(moment: str) -> str:
    """A moment to the minute: 2026-01-31 12:00; in UTC, as all of them are."""
    return moment[:16].replace("T", " ")


def share(found: Share, noun: str) -> Markup:
    """A share, and below it its interval and of how many it is."""
    if found.value is None:
        return _measure("-", f"of no {noun}")
    value = percent(found.value)
    return _measure(value, share_in_words(found, noun).removeprefix(value).strip())


def quantile(found: Quantile, bounds_s: Sequence[float], buckets: Sequence[int]) -> Markup:
    """A quantile of durations that were counted in buckets, and below it its interval."""
    if found.value_s is None:
        return _measure("-", "not known")
    value, _, interval = in_buckets(found, bounds_s, buckets).partition(" (")
    return _measure(value, f"({interval}" if interval else "")


def _measure(value: str, about: str) -> Markup:
    below = element("span", about, class_="about") if about else ""
    return joined(element("b", value), below)


def fact(name: str, *value: str) -> Markup:
    """A fact of those at the head of a page."""
    return element("div", element("dt", name), element("dd", *value))


def facts(*those: Markup) -> Markup:
    """The facts at the head of a page."""
    return element("dl", *those, class_="facts")


def short(words: str) -> Markup:
    """Words in a list: cut where they would fill it."""
    return text(words, _SHORT_CHARS)


def version_of(version: str) -> str:
    """A version in a sentence."""
    return f"version {version[:_SHORT_CHARS] or 'not known'}"


def fitted(chars: int, those: Iterable[Callable[[], Markup]], noun: str) -> tuple[Markup, Markup]:
    """As many pieces as there is room for, and a note of how many more there are."""
    room = Room(chars)
    shown = [piece for piece in map(room.fill, those) if piece is not None]
    words = f"{several(room.left_out, f'more {noun}')} found no room here; the JSON has all."
    note = element("p", words, class_="more") if room.left_out else Markup()
    return joined(*shown), note


def suite_name(suite: str) -> str:
    """A suite as people call it; of none, all are meant."""
    return {"": "all", PROBES: "probes"}.get(suite, suite)


def cell(name: str, *content: str, class_: str = "") -> Markup:
    """A cell of a table; a phone shows its name before it."""
    return element("td", *content, data_name=name, class_=class_)
