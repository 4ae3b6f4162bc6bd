"""What changed since the last good run: what no longer passes, and what takes notably longer."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from smokegate.reports.last_good import (
    LastGood,
    Slower,
    no_longer_passing,
    no_longer_there,
    slower,
)
from smokegate.reports.page.entries import link, sign
from smokegate.reports.page.markup import Markup, element, joined, table
from smokegate.reports.wording import seconds, several
from smokegate.results import CheckResult, JudgedRun, Outcome

_ROWS = 100
_NOTHING = "All that passed in it passes now, and nothing takes notably longer."


def since(run: JudgedRun, before: LastGood | None) -> Markup:
    """The comparison with the last good run; nothing without one."""
    if before is None:
        return Markup()
    lead = element("p", f"The last run that opened the gate here: {before.in_words()}.")
    rows = list(_rows(run, before))[:_ROWS]
    head = ("check", "then", "now", "")
    return joined(lead, table(head, rows) if rows else element("p", _NOTHING))


def _rows(run: JudgedRun, before: LastGood) -> Iterator[Markup]:
    for check in no_longer_passing(run, before):
        change = "no longer applies" if check.outcome is Outcome.SKIPPED else "no longer passes"
        yield _row(link(check), "passed", _outcome(check), change)
    for each in slower(run, before):
        now = seconds(each.check.duration_s)
        yield _row(link(each.check), _usual(each), now, "takes longer")
    for name in no_longer_there(run, before):
        yield _row(element("code", name), "passed", "", "is not there any more")


def _row(check: Markup, then: str, now: str, change: str) -> Markup:
    return element(
        "tr",
        element("td", check),
        element("td", then, class_="then"),
        element("td", now, class_="now"),
        element("td", change),
    )


def _outcome(check: CheckResult) -> Markup:
    return joined(sign(check.outcome), check.outcome.value)


def _usual(times: Slower) -> str:
    of = several(len(times.earlier_s), "good run")
    middle, most = median(times.earlier_s), max(times.earlier_s)
    return f"{seconds(middle)}, at most {seconds(most)}, in {of}"
