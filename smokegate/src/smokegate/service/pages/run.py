"""One run: its verdict and why, what did not hold, what ran when, and what people said of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from smokegate.history.first_runs import RunMark
from smokegate.history.neighbours import Neighbours, neighbours
from smokegate.history.queries import RememberedRun, ResultLine
from smokegate.reports.page import Section
from smokegate.reports.page.entries import sign
from smokegate.reports.page.markup import Markup, element, joined, table, text
from smokegate.reports.wording import seconds
from smokegate.results import Outcome
from smokegate.service.api.answers import run as kept_run
from smokegate.service.asked import OneRun, Question, read_known
from smokegate.service.pages import labels, requests
from smokegate.service.pages.failures import demands
from smokegate.service.pages.frame import Content
from smokegate.service.pages.words import (
    PROBES,
    cell,
    check_link,
    fact,
    facts,
    fitted,
    href,
    link,
    minute,
    outcome,
    short,
    suite_name,
    verdict,
)

_CARDS_CHARS = 30_000
_WARNINGS_CHARS = 12_000
_ROWS_CHARS = 32_000
_TITLE_CHARS = 120
_MOST_CELLS = 150
_ORDER = [each.value for each in (Outcome.FAILED, Outcome.BLOCKED, Outcome.UNKNOWN)]
_NOT_KEPT = "Why is not kept here; the report of the run has it."
_OUTCOMES = [each.value for each in Outcome]


def page(question: Question, given: Mapping[str, str], *, can_log_in: bool) -> Content:
    """The page of a run."""
    found = kept_run(question, read_known(OneRun, {"run_id": given.get("id", "")}))
    beside = neighbours(question.connection, found.run.run_id)
    failed = _cards(_not_passed(found), found, _CARDS_CHARS)
    warned = _cards(_wished(found), found, _WARNINGS_CHARS)
    said = labels.judgement(found, question.visitor, can_log_in=can_log_in)
    return Content(
        title=f"{found.run.action}: run {found.run.run_id}",
        head=joined(_headline(found), _strip(found), _facts(found), _beside(beside)),
        sections=[
            Section("failures", "What did not pass", "What did not pass", failed),
            Section("label", "Label", "Was it right?", said),
            Section("warnings", "Warnings", "Warnings", warned),
            Section("checks", "Checks", "Checks", _checks(found)),
            Section("waterfall", "Requests", "What was requested when", requests.lanes(found)),
        ],
        verdict=found.run.action,
        data=href(f"api/runs/{found.run.run_id}"),
    )


def _headline(found: RememberedRun) -> Markup:
    run = found.run
    words = run.action.upper() + (" (partial)" if run.partial else "")
    where = link(short(run.environment), "environment", environment=run.environment)
    return joined(
        element("p", f"run {run.run_id} in ", where, class_="eyebrow"),
        element("p", run.target, class_="target"),
        element("h1", words, class_=f"verdict {run.action}"),
        element("p", run.reason, class_="why"),
    )


def _strip(found: RememberedRun) -> Markup:
    """Every check as a cell of its colour, and how many of each there are."""
    ended = [each.outcome for each in found.results]
    keys = [
        element("li", element("span", class_=f"key {name}"), f"{ended.count(name)} {name}")
        for name in _OUTCOMES
        if name in ended
    ]
    if len(ended) > _MOST_CELLS:
        return element("ul", *keys, class_="keys")
    suites = sorted({each.suite for each in found.results}, key=lambda each: (each == PROBES, each))
    strips = (_suite(each, found.results) for each in suites)
    return joined(
        element("div", *strips, class_="strips", aria_hidden="true"),
        element("ul", *keys, class_="keys"),
    )


def _suite(suite: str, results: Iterable[ResultLine]) -> Markup:
    cells = [
        element("span", class_=f"cell {each.outcome}", title=f"{each.check}: {each.outcome}")
        for each in results
        if each.suite == suite
    ]
    return element(
        "div", element("span", suite_name(suite)), element("div", *cells), class_="strip"
    )


def _facts(found: RememberedRun) -> Markup:
    run = found.run
    told = {
        "Version": short(run.version or "not known"),
        "Began": f"{minute(run.started_at)} UTC",
        "Took": seconds(run.duration_s),
        "Requests": f"{run.requests:,}",
        "Decided by": run.rule,
        "Interrupted": "yes" if run.interrupted else "",
        "Made by": found.tool,
    }
    return facts(*(fact(name, words) for name, words in told.items() if words))


def _beside(beside: Neighbours) -> Markup:
    """The way to the runs beside it."""
    there = {
        "Run before": beside.previous,
        "Run after": beside.next,
        "Last good run": beside.last_good,
    }
    items = [element("li", f"{words}: ", _mark(run)) for words, run in there.items() if run]
    return element("ul", *items, class_="beside") if items else Markup()


def _mark(run: RunMark) -> Markup:
    words = verdict(run.action)
    return joined(element("a", run.run_id, href=href("run", id=run.run_id)), " ", words)


def _not_passed(found: RememberedRun) -> list[ResultLine]:
    """What did not pass, what decided first."""
    there = [each for each in found.results if each.outcome in _ORDER]
    return sorted(there, key=lambda each: (each.check not in found.deciding, _order(each)))


def _order(result: ResultLine) -> int:
    return _ORDER.index(result.outcome)


def _wished(found: RememberedRun) -> list[ResultLine]:
    """What passed with a wish that did not hold, or on a second try."""
    told = {each.check for each in found.failures}
    return [each for each in found.results if each.outcome not in _ORDER and each.check in told]


def _cards(there: Iterable[ResultLine], found: RememberedRun, chars: int) -> Markup:
    return joined(*fitted(chars, (partial(_card, each, found) for each in there), "check"))


def _card(result: ResultLine, found: RememberedRun) -> Markup:
    failures = [each for each in found.failures if each.check == result.check]
    decided = result.check in found.deciding
    badge = element("span", "decided the verdict", class_="badge") if decided else ""
    flaky = element("span", "flaky", class_="badge") if result.flaky else ""
    name = check_link(result.check, found.run.environment)
    told = demands(failures) if failures else element("p", _NOT_KEPT, class_="soft")
    return element(
        "article",
        element("h3", sign(Outcome(result.outcome)), name, badge, flaky),
        element("p", text(result.title, _TITLE_CHARS), class_="soft"),
        told,
        class_=f"cause {result.outcome}",
        id=result.check,
    )


def _checks(found: RememberedRun) -> Markup:
    head = ("check", "outcome", "what it is", "took", "remark")
    carded = {each.check for each in [*_not_passed(found), *_wished(found)]}
    makers = (partial(_row, each, found, each.check in carded) for each in found.results)
    rows, note = fitted(_ROWS_CHARS, makers, "check")
    return joined(table(head, [rows]), note) if found.results else Markup()


def _row(result: ResultLine, found: RememberedRun, has_card: bool) -> Markup:
    return element(
        "tr",
        element("th", check_link(result.check, found.run.environment), scope="row", class_="id"),
        cell("outcome", outcome(result.outcome)),
        cell("what it is", text(result.title, _TITLE_CHARS), class_="title"),
        cell("took", seconds(result.duration_s)),
        cell("remark", "flaky" if result.flaky else ""),
        id="" if has_card else result.check,
    )
