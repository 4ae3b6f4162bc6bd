"""A list of runs, page by page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from smokegate.history.queries import RunLine, runs
from smokegate.reports.page import Section
from smokegate.reports.page.markup import Markup, element, joined, table
from smokegate.reports.wording import seconds
from smokegate.service.asked import Listed, Question, read_known
from smokegate.service.pages import labels
from smokegate.service.pages.frame import Content, choices
from smokegate.service.pages.words import (
    VERDICT_SIGNS,
    Query,
    cell,
    href,
    link,
    minute,
    run_link,
    short,
    verdict,
)

_LISTED = 50
_HEAD = ("run", "began", "environment", "version", "verdict", "passed", "took", "label")


def page(question: Question, given: Mapping[str, str]) -> Content:
    """A page of the list; it can be narrowed to an environment and a verdict."""
    asked = read_known(Listed, given)
    found = runs(
        question.connection,
        environment=asked.environment,
        action=asked.verdict,
        before=asked.before,
        limit=_LISTED,
    )
    where = f"Runs of {asked.environment}" if asked.environment else "Runs"
    kept: Query = {"environment": asked.environment, "verdict": asked.verdict}
    listed = run_rows(found.runs) if found.runs else element("p", "No run fits.", class_="soft")
    content = joined(listed, _pager(asked, kept, found.next_before))
    return Content(
        title=where,
        head=joined(element("h1", where, class_="verdict name"), _verdicts(asked)),
        sections=[Section("list", "List", "The newest first", content)],
        data=href("api/runs", **kept, before=asked.before),
    )


def _verdicts(asked: Listed) -> Markup:
    there = {"": "all", **{name: f"{sign} {name}" for name, sign in VERDICT_SIGNS.items()}}
    address = partial(href, "runs", environment=asked.environment)
    links = ((words, address(verdict=n), n == asked.verdict) for n, words in there.items())
    return choices("Verdict", links)


def _pager(asked: Listed, kept: Query, next_before: str) -> Markup:
    newest = link("Newest", "runs", **kept) if asked.before else ""
    older = link("Older runs", "runs", **kept, before=next_before) if next_before else ""
    return element("p", newest, " " if newest and older else "", older, class_="pager")


def run_rows(there: Iterable[RunLine]) -> Markup:
    """Runs in a table."""
    return table(_HEAD, map(_row, there))


def _row(run: RunLine) -> Markup:
    passed = run.passed + run.warned
    counted = passed + run.failed + run.blocked + run.unknown
    return element(
        "tr",
        cell("run", run_link(run.run_id), class_="id"),
        cell("began", minute(run.started_at), class_="when"),
        cell("environment", short(run.environment)),
        cell("version", short(run.version), class_="break"),
        cell("verdict", verdict(run.action, partial=run.partial)),
        cell("passed", f"{passed} of {counted}"),
        cell("took", seconds(run.duration_s)),
        cell("label", labels.shown([run.label])),
    )
