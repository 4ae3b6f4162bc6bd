"""The environments at a glance, the alarms that wait, and the newest runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from smokegate.history.measures import OPENS
from smokegate.history.open_alarms import open_alarms
from smokegate.history.overview import Standing
from smokegate.history.queries import runs
from smokegate.history.tables import RUN_BUCKETS_S
from smokegate.history.tallies import runs_together
from smokegate.reports.page import Section
from smokegate.reports.page.markup import Markup, element, joined, table
from smokegate.reports.wording import several
from smokegate.results import Action
from smokegate.service.asked import Question, Window, read_known
from smokegate.service.glances import Glance, Overview, glances
from smokegate.service.pages import alarms, calendars, charts
from smokegate.service.pages.calendars import Calendar
from smokegate.service.pages.frame import Content, day_choices
from smokegate.service.pages.runs import run_rows
from smokegate.service.pages.words import (
    age,
    cell,
    fitted,
    href,
    link,
    quantile,
    run_link,
    share,
    short,
    verdict,
)

_MOST = 40
_ROWS_CHARS = 60_000
_LISTED = 8
_COUNTED_TO = 100
_HEAD = (
    "environment",
    "last verdict",
    "version",
    "by day",
    "gate opened",
    "checks passed",
    "a run takes, p95",
    "alarms",
)
_EMPTY = (
    "No run is remembered yet. The first one of smokegate run, demo or pytest will be here, if it "
    "writes into the same history."
)
_ONLY_PARTS = "No run of all checks is remembered yet, only runs of a part of them."
_SEVERITY = {action.value: action.severity for action in Action}


def page(question: Question, given: Mapping[str, str]) -> Content:
    """The overview; its days are a parameter."""
    asked = read_known(Window, given)
    found = glances(question.connection, asked.since_ms(question.now_ms), _MOST)
    return Content(
        title="Overview",
        head=joined(_headline(found, question.now_ms), day_choices("", asked.days)),
        sections=list(_sections(found, question, asked)) if found.environments else [],
        verdict=_worst(found),
        data=href("api/overview", days=asked.days),
    )


def _sections(found: Overview, question: Question, asked: Window) -> Iterator[Section]:
    environments = _environments(found, asked, question.now_ms)
    yield Section("environments", "Environments", "Environments", environments)
    since_ms = asked.since_ms(question.now_ms)
    there = open_alarms(question.connection, since_ms=since_ms, limit=_LISTED)
    back = href("", days=asked.days) + "#alarms"
    waiting = alarms.waiting(there, question.visitor, back=back)
    yield Section("alarms", "Alarms to label", "Alarms to label", waiting)
    newest = run_rows(runs(question.connection, limit=_LISTED).runs)
    yield Section("runs", "Newest runs", "Newest runs", newest)


def _worst(found: Overview) -> str:
    actions = [each.standing.action for each in found.environments]
    return max(actions, key=lambda action: _SEVERITY.get(action, 0), default="")


def _headline(found: Overview, now_ms: int) -> Markup:
    there = [each.standing for each in found.environments if each.standing.action]
    if not there:
        words = _ONLY_PARTS if found.environments else _EMPTY
        head = element("h1", "No runs yet", class_="verdict name")
        return joined(head, element("p", words, class_="why"))
    closed = sum(each.action not in OPENS for each in there)
    words = f"{closed} of {len(there)} closed" if closed else _all_open(len(there))
    newest = max(there, key=lambda each: each.started_at)
    where, when = short(newest.environment), age(newest.started_at, now_ms)
    run = run_link(newest.run_id) if newest.run_id else "no longer remembered"
    told = ("The newest run is ", run, ", of ", where, f", {when}.")
    head = element("h1", words, class_=f"verdict {_worst(found)}")
    return joined(head, element("p", *told, class_="why"))


def _all_open(number: int) -> str:
    return "The gate is open" if number == 1 else f"All {number} open"


def _environments(found: Overview, asked: Window, now_ms: int) -> Markup:
    days = calendars.columns(asked.since_ms(now_ms), now_ms)
    makers = (partial(_row, each, asked, days, now_ms) for each in found.environments)
    rows, note = fitted(_ROWS_CHARS, makers, "environment")
    words = f"{several(found.more, 'environment')} with older runs not shown."
    more = element("p", words, class_="more") if found.more else ""
    return joined(element("div", table(_HEAD, [rows]), class_="environments"), note, more)


def _row(glance: Glance, asked: Window, days: Calendar, now_ms: int) -> Markup:
    there, whole = glance.standing, glance.whole
    name = there.environment or "(no name)"
    own = link(short(name), "environment", environment=there.environment, days=asked.days)
    version = short(there.version or "not known"), _about(_deployed(there, now_ms))
    return element(
        "tr",
        element("th", own, scope="row"),
        cell("last verdict", *_last(there, now_ms)),
        cell("version", *version, class_="break"),
        cell("by day", _strip(glance, days), class_="by-day"),
        cell("gate opened", share(whole.opened, "run")),
        cell("checks passed", share(whole.pass_rate, "result")),
        cell("a run takes, p95", quantile(whole.p95, RUN_BUCKETS_S, whole.buckets)),
        cell("alarms", _alarms(glance, asked)),
    )


def _last(there: Standing, now_ms: int) -> tuple[Markup, Markup]:
    if not there.action:
        return _about("only runs of a part of the checks"), Markup()
    said, when = verdict(there.action), _about(age(there.started_at, now_ms))
    if not there.run_id:
        return said, when
    return element("a", said, href=href("run", id=there.run_id)), when


def _about(words: str) -> Markup:
    return element("span", words, class_="about") if words else Markup()


def _deployed(there: Standing, now_ms: int) -> str:
    if not there.deployed_at:
        return ""
    other = f"{short(there.deployed)} " if there.deployed != there.version else ""
    return f"{other}deployed {age(there.deployed_at, now_ms)}"


def _strip(glance: Glance, days: Calendar) -> Markup:
    """The verdicts of each day as a bar; the numbers beside it say it in words."""
    columns = days.sorted_in(glance.days, lambda each: each.day)
    return charts.bars([runs_together(some).verdicts for some in columns])


def _alarms(glance: Glance, asked: Window) -> Markup:
    number = glance.open_alarms
    if not number:
        return element("span", "none", class_="soft")
    words = f"{number if number < _COUNTED_TO else f'{_COUNTED_TO} or more'} to label"
    address = href("environment", environment=glance.standing.environment, days=asked.days)
    return element("a", words, href=f"{address}#alarms")
