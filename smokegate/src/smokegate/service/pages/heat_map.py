"""Every check in the last runs, side by side: a table whose cells say how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from smokegate.history.queries import RunLine
from smokegate.reports.page.markup import Markup, element, joined
from smokegate.reports.wording import SIGNS, several
from smokegate.results import Outcome
from smokegate.service.pages.words import VERDICT_SIGNS, check_link, href, minute, version_of

_ROWS = 40
_MOST_LINKS = 100  # beyond them, the runs at the head are enough
_CALM = frozenset({Outcome.PASSED.value, Outcome.SKIPPED.value})
_SIGNS = (
    "✓ passed, ⚠ warned, ✗ failed or blocked, ? unknown, - skipped; nothing where it was not in "
    "the run."
)

Endings = Mapping[str, str]


def heat_map(
    runs: Sequence[RunLine], outcomes: Mapping[str, Endings], *, environment: str, days: int
) -> Markup:
    """The outcomes of checks by run; what did not pass comes first."""
    there = sorted(outcomes, key=lambda check: (-_troubles(outcomes[check]), check))
    shown = there[:_ROWS]
    leads = sum(map(_troubles, map(outcomes.__getitem__, shown))) <= _MOST_LINKS
    rows = [_row(each, outcomes[each], runs, (environment, days), leads=leads) for each in shown]
    whole = element(
        "table",
        element("thead", _head(runs)),
        element("tbody", *rows),
        class_="heat",
        aria_label="Outcomes of checks, run by run",
    )
    lead = element("p", _lead(runs), class_="lead")
    return joined(lead, element("div", whole, class_="scroll"), _left_out(there[_ROWS:]))


def _lead(runs: Sequence[RunLine]) -> str:
    first, last = (minute(each.started_at) for each in (runs[0], runs[-1]))
    return f"{several(len(runs), 'run')} from {first} to {last}, the newest at the right. {_SIGNS}"


def _left_out(there: Sequence[str]) -> Markup:
    words = f"{several(len(there), 'check')} with less trouble not shown"
    return element("p", words, class_="more") if there else Markup()


def _troubles(endings: Endings) -> int:
    return sum(ending not in _CALM for ending in endings.values())


def _head(runs: Sequence[RunLine]) -> Markup:
    heads = (element("th", _run(each), scope="col") for each in runs)
    return element("tr", element("th", "verdict", scope="col"), *heads)


def _run(run: RunLine) -> Markup:
    """A link to a run, which is its verdict; its name is for those who hear it."""
    words = f"{run.action}, {minute(run.started_at)}, {version_of(run.version)}"
    sign = VERDICT_SIGNS.get(run.action, "?")
    address = href("run", id=run.run_id)
    return element("a", sign, href=address, class_=run.action, title=words, aria_label=words)


def _row(
    check: str, endings: Endings, runs: Sequence[RunLine], within: tuple[str, int], *, leads: bool
) -> Markup:
    cells = (_cell(check, endings.get(each.run_id, ""), each, leads=leads) for each in runs)
    return element("tr", element("th", check_link(check, *within), scope="row"), *cells)


def _cell(check: str, ending: str, run: RunLine, *, leads: bool) -> Markup:
    """How a check ended; what is not calm leads to the run."""
    if not ending:
        return element("td")
    sign = SIGNS[Outcome(ending)]
    if ending in _CALM or not leads:
        return element("td", sign, class_=ending)
    address = href("run", id=run.run_id) + f"#{check}"
    return element("td", element("a", sign, href=address, aria_label=ending), class_=ending)
