"""One check: its trend, its last results, and what did not hold in those that failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from smokegate.history.digest import CheckDigest, check_digest
from smokegate.history.outcomes import Ending, endings
from smokegate.history.tables import BUCKETS_S
from smokegate.history.tallies import together
from smokegate.reports.page import Section
from smokegate.reports.page.markup import Markup, element, joined
from smokegate.reports.wording import SIGNS, several
from smokegate.results import Outcome
from smokegate.service.api.answers import known_check
from smokegate.service.asked import OneCheck, Question, read_known
from smokegate.service.pages import calendars, trends
from smokegate.service.pages.failures import demands
from smokegate.service.pages.frame import Content, day_choices
from smokegate.service.pages.trends import Trend
from smokegate.service.pages.words import (
    Query,
    fact,
    facts,
    fitted,
    href,
    link,
    minute,
    outcome,
    quantile,
    run_link,
    share,
    short,
    version_of,
)

_CELLS = 100
_CARDS_CHARS = 30_000
_COUNTED = frozenset({Outcome.FAILED.value, Outcome.BLOCKED.value, Outcome.UNKNOWN.value})


def page(question: Question, given: Mapping[str, str]) -> Content:
    """The page of a check; it can be narrowed to an environment and some days."""
    asked = read_known(OneCheck, {**given, "check_id": given.get("id", "")})
    found = known_check(question, asked, check_digest)
    last = known_check(question, asked, endings)
    kept: Query = {"environment": asked.environment, "days": asked.days}
    return Content(
        title=asked.check_id,
        head=joined(_headline(found), _facts(found), _choices(asked)),
        sections=[
            Section("trend", "Trend", "Trend", _trend(found, asked, question.now_ms)),
            Section("last", "Last results", "Last results", _strip(last)),
            Section("failures", "Latest failures", "Latest failures", _failures(last)),
        ],
        data=href(f"api/checks/{asked.check_id}", **kept),
    )


def _headline(found: CheckDigest) -> Markup:
    where = f"check, in {found.environment or 'every environment'}"
    return joined(
        element("p", where, class_="eyebrow"),
        element("h1", found.check, class_="verdict name mono"),
        element("p", found.title, class_="why"),
    )


def _facts(found: CheckDigest) -> Markup:
    whole = found.whole
    p50, p95 = (quantile(each, BUCKETS_S, whole.buckets) for each in (whole.p50, whole.p95))
    return facts(
        fact("Passed", share(whole.pass_rate, "result")),
        fact("It takes, p50", p50),
        fact("p95", p95),
        fact("Flips", share(found.flips, "pair")),
        fact("Passed on a second try only", share(whole.retries, "result")),
    )


def _choices(asked: OneCheck) -> Markup:
    everywhere = link("in every environment", "check", id=asked.check_id, days=asked.days)
    days = day_choices("check", asked.days, id=asked.check_id, environment=asked.environment)
    return element("div", days, everywhere if asked.environment else "", class_="filters")


def _trend(found: CheckDigest, asked: OneCheck, now_ms: int) -> Markup:
    if not found.days:
        return element("p", "It had no result in these days.", class_="soft")
    days = calendars.columns(asked.since_ms(now_ms), now_ms)
    columns = [together(some) for some in days.sorted_in(found.days, lambda each: each.day)]
    trend = Trend(days, found.deployments, columns, found.versions)
    return trends.pictures(trend, "by day", "results")


def _strip(there: Sequence[Ending]) -> Markup:
    """The last results as cells, each of which leads to its run; the newest at the right."""
    if not there:
        return Markup()
    shown = there[:_CELLS]
    cells = element("ol", *map(_cell, reversed(shown)), class_="strip-of-cells")
    lead = f"{several(len(shown), 'result')}, the newest at the right."
    return joined(element("p", lead, class_="lead"), cells)


def _cell(ending: Ending) -> Markup:
    words = f"{ending.outcome}, {minute(ending.started_at)}, {version_of(ending.version)}"
    sign = SIGNS[Outcome(ending.outcome)]
    address = href("run", id=ending.run_id)
    link_to_run = element("a", sign, href=address, title=words, aria_label=words)
    return element("li", link_to_run, class_=ending.outcome)


def _failures(there: Sequence[Ending]) -> Markup:
    failed = [each for each in there if each.outcome in _COUNTED]
    told = [each for each in failed if each.failures]
    if not failed:
        return element("p", f"None in {several(len(there), 'result')}.", class_="soft")
    if not told:
        words = f"{several(len(failed), 'result')} did not pass; no expectation of them was kept."
        return element("p", words, class_="soft")
    return joined(*fitted(_CARDS_CHARS, (partial(_failure, each) for each in told), "failure"))


def _failure(ending: Ending) -> Markup:
    where = short(ending.environment)
    when = f"{minute(ending.started_at)}, {version_of(ending.version)}, "
    return element(
        "article",
        element("h3", outcome(ending.outcome), run_link(ending.run_id)),
        element("p", when, where, class_="soft"),
        demands(ending.failures),
        class_=f"cause {ending.outcome}",
    )
