"""Expectations that did not hold: what was demanded and what was seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from smokegate.history.queries import FailureLine
from smokegate.reports.meaning import MEANINGS
from smokegate.reports.page.markup import Markup, element, joined
from smokegate.reports.wording import several
from smokegate.results import Consequence

_SHOWN = 6
_WISH = Consequence.WARN.value


def demands(failures: Iterable[FailureLine]) -> Markup:
    """What did not hold; what did not in both tries is said once."""
    there = list(_once(failures))
    more = f"{several(len(there) - _SHOWN, 'more expectation')} did not hold"
    rest = [element("p", more, class_="more")] if len(there) > _SHOWN else []
    return joined(*(_demand(*each) for each in there[:_SHOWN]), *rest)


def _once(failures: Iterable[FailureLine]) -> Iterator[tuple[FailureLine, int]]:
    """Failures with how often each was met."""
    met: dict[tuple[str, str, str], list[FailureLine]] = {}
    for each in failures:
        met.setdefault((each.demand, each.seen, each.request), []).append(each)
    return ((those[0], len(those)) for those in met.values())


def _demand(failure: FailureLine, times: int) -> Markup:
    is_wish = failure.consequence == _WISH
    twice = f" (in {several(times, 'try').replace('trys', 'tries')})" if times > 1 else ""
    rows = [
        ("wished" if is_wish else "expected", failure.demand),
        ("saw", failure.seen + twice),
        ("request", _request(failure)),
        ("means", "" if is_wish else MEANINGS[Consequence(failure.consequence)]),
    ]
    return element("dl", *(_row(*row) for row in rows if row[1]), class_="rows")


def _request(failure: FailureLine) -> str:
    status = f", answered with {failure.status}" if failure.status is not None else ""
    return f"{failure.request}{status}" if failure.request else ""


def _row(label: str, words: str) -> Markup:
    return element("div", element("dt", label), element("dd", words), class_=label)
