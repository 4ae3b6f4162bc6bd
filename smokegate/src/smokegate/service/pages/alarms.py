"""Alarms that wait for a label, and what those that have one were worth."""

from __future__ import annotations

from collections.abc import Mapping

from smokegate.history.alarms import Candidate
from smokegate.history.in_words import share_in_words
from smokegate.history.measures import FalseAlarms
from smokegate.history.queries import RunLine
from smokegate.reports.page.markup import Markup, element, table, text
from smokegate.reports.wording import several
from smokegate.service.access.visitors import Visitor
from smokegate.service.pages import labels
from smokegate.service.pages.words import cell, minute, run_link, short, verdict

_REASON_CHARS = 300
_HEAD = ("run", "began", "environment", "verdict", "reason", "what it was")


def waiting(
    there: list[RunLine],
    visitor: Visitor,
    *,
    back: str,
    candidates: Mapping[str, Candidate] | None = None,
) -> Markup:
    """Alarms without a label; of some it is known that nothing had changed when the gate opened."""
    if not there:
        return element("p", "Every alarm has its label.", class_="soft")
    head = _HEAD if visitor.form_token else _HEAD[:-1]
    known = candidates or {}
    return table(head, [_row(each, visitor, back, known.get(each.run_id)) for each in there])


def _row(run: RunLine, visitor: Visitor, back: str, candidate: Candidate | None) -> Markup:
    buttons = labels.quick(run, visitor, back)
    return element(
        "tr",
        cell("run", run_link(run.run_id), class_="id"),
        cell("began", minute(run.started_at), class_="when"),
        cell("environment", short(run.environment)),
        cell("verdict", verdict(run.action)),
        cell("reason", text(run.reason, _REASON_CHARS), _perhaps_false(candidate), class_="reason"),
        cell("what it was", buttons) if buttons else "",
    )


def _perhaps_false(candidate: Candidate | None) -> Markup:
    if candidate is None:
        return Markup()
    later = run_link(candidate.overturned_by.run_id)
    words = ("Perhaps false: the gate opened in run ", later, " and nothing had changed.")
    return element("span", *words, class_="about")


def worth(found: FalseAlarms) -> Markup:
    """How many alarms were false, and how many problems were missed."""
    missed = f"{several(found.missed, 'problem')} missed." if found.missed else "No problem missed."
    if not found.share.total:
        return element("p", f"No alarm has a label yet. {missed}", class_="lead")
    told = share_in_words(found.share, "labelled alarm")
    return element("p", f"False were {told}. {missed}", class_="lead")
