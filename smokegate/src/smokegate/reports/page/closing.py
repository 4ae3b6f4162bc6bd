"""How the verdict came about, what is left, and what the run was: for those who look closer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smokegate.reports.explanation import between, tried_ends
from smokegate.reports.meaning import mitigations_in_words
from smokegate.reports.page.entries import link
from smokegate.reports.page.headline import seal_in_words
from smokegate.reports.page.markup import Markup, element, joined, text
from smokegate.reports.wording import leftovers_in_words, several
from smokegate.results import CheckResult, JudgedRun, Outcome
from smokegate.verdict import End

_MOST = 60
_WARNINGS = 5
_LINE_CHARS = 500
_SWEEP = "smokegate sweep removes what it can prove to be ours."


def decision(run: JudgedRun) -> Markup:
    """The rules in their order with what they found, and what weighs less."""
    verdict = run.verdict
    lead = (
        f"Rule {verdict.rule}; it stands on {several(verdict.requests, 'request')}. Workflows: "
        f"below {run.thresholds.rollback_below:.0%} means rollback, above "
        f"{run.thresholds.monitor_above:.0%} monitor."
    )
    tried = tried_ends(run)
    both = f"{between(tried, verdict)}." if len(tried) > 1 else ""
    excused = mitigations_in_words(run)
    return joined(
        element("p", lead, class_="lead"),
        *(_rules(end) for end in tried),
        element("p", both) if both else "",
        element("h3", "What weighs less") if excused else "",
        listed(excused),
    )


def warnings(run: JudgedRun) -> Markup:
    """What passed with something to say, each with its words."""
    warned = [check for check in run.everything if _has_warning(check)]
    items = [_warning(check) for check in warned[:_MOST]]
    return _list(items, len(warned))


def _has_warning(check: CheckResult) -> bool:
    return bool(check.warnings) or check.outcome is Outcome.WARNED


def _warning(check: CheckResult) -> Markup:
    words = check.warnings or [check.reason]
    told = (element("p", text(each, _LINE_CHARS)) for each in words[:_WARNINGS])
    return element("li", link(check), *told)


def left_behind(run: JudgedRun) -> Markup:
    """What is still at the target, in a line for each reason."""
    left = leftovers_in_words(run.leftovers)
    return joined(element("p", _SWEEP, class_="lead"), listed(left)) if left else Markup()


def listed(entries: list[str]) -> Markup:
    """A list, of which what is too much is counted."""
    items = [element("li", text(each, _LINE_CHARS)) for each in entries[:_MOST]]
    return _list(items, len(entries))


def _list(items: list[Markup], number: int) -> Markup:
    more = [element("li", f"{number - len(items)} more")] if number > len(items) else []
    return element("ul", *items, *more, class_="list") if items else Markup()


def about(run: JudgedRun, left_out: int) -> Markup:
    """What the page stands on: the run, its seal, its settings, and what it does not show."""
    seal = seal_in_words(run)
    sealed = f"Seal {seal}" if seal else "Not sealed"
    missing = f"{several(left_out, 'piece')} of it found no room here. " if left_out else ""
    return joined(
        element("p", f"Run {run.run_id} by {run.tool}. {sealed}."),
        element(
            "p",
            "The evidence is run.json, which is what the seal is of; this page shows what matters "
            f"of it. {missing}",
            element("code", "smokegate explain run.json"),
            " derives the verdict again and tells what was altered.",
        ),
        _settings(run),
    )


def _settings(run: JudgedRun) -> Markup:
    rows = [element("div", element("dt", name), element("dd", value)) for name, value in _set(run)]
    if not rows:
        return Markup()
    summary = element("summary", "Settings of this run")
    return element("details", summary, element("dl", *rows, class_="settings"))


def _set(run: JudgedRun) -> Iterator[tuple[str, str]]:
    for name, value in run.settings.items():
        yield name, _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "not set" if value == "" else str(value)


def _rules(end: End) -> Markup:
    as_what = f", every unknown as {end.unknown_as}" if end.unknown_as else ""
    items = []
    for rule, finding in end.tried:
        found = f"{finding.action.value}: {finding.reason}" if finding else ""
        told = element("p", found) if found else ""
        items.append(element("li", rule.words, told, class_="holds" if finding else ""))
    caption = f"The rules in their order{as_what}; the first that holds wins"
    return joined(element("p", caption), element("ol", *items, class_="rules"))
