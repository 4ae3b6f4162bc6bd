"""What did not pass: a card for each cause, with what was expected and seen before all else."""

from __future__ import annotations

from functools import partial

from smokegate.reports.causes import Cause, Shared, shared_causes
from smokegate.reports.details import details
from smokegate.reports.meaning import meaning
from smokegate.reports.page.entries import Room, link, sign, written
from smokegate.reports.page.exchanges import command, exchange_alone
from smokegate.reports.page.markup import Markup, element, joined
from smokegate.reports.wording import names_of, several
from smokegate.results import JudgedRun, Outcome

_CARDS = 15
_LINKS = 30
_COMMAND = "repeat"
_SEEN = frozenset({"expected", "wished", "saw", ""})


def failures(run: JudgedRun, room: Room) -> Markup:
    """The causes, what decided first, and the suites that are missing."""
    causes = shared_causes(run)
    cards = [_card(shared, run, room) for shared in causes[:_CARDS]]
    missing = [_missing(each.suite, each.reason) for each in run.missing_suites]
    more = [element("p", _more(causes[_CARDS:]), class_="more")] if causes[_CARDS:] else []
    return joined(*missing, *cards, *more)


def _more(causes: list[Shared]) -> str:
    checks = [check.id for shared in causes for check in shared.checks]
    return f"{several(len(causes), 'more cause')}, of {', '.join(checks)}"


def _missing(suite: str, reason: str) -> Markup:
    head = element("h3", sign(Outcome.UNKNOWN), f"The suite {suite} is missing")
    return element("article", head, _rows([("reason", reason)]), class_="cause unknown")


def _card(shared: Shared, run: JudgedRun, room: Room) -> Markup:
    cause, check = shared.cause, shared.checks[0]
    told = details(cause, check)
    seen = [row for row in told if row[0] in _SEEN]
    if not seen or check.blocked_by:
        seen.insert(0, ("reason", check.reason))
    rest = [row for row in told if row[0] not in {*_SEEN, "request", "over"}]
    return element(
        "article",
        _heading(shared, run),
        (room.fill(partial(exchange_alone, cause.exchange)) or "") if cause.exchange else "",
        _rows(seen),
        _rows([("means", meaning(shared.checks, run)), *rest]),
        room.fill(partial(_traceback, cause)) or "",
        class_=f"cause {shared.outcome.value}",
    )


def _traceback(cause: Cause) -> Markup:
    if cause.attempt is None or not cause.attempt.traceback:
        return Markup()
    # What a plain assert saw stands there alone.
    is_open = cause.attempt.asserted or not cause.expectations
    head, told = element("summary", "Traceback"), written(cause.attempt.traceback)
    return element("details", head, told, class_="exchange", open=is_open)


def _heading(shared: Shared, run: JudgedRun) -> Markup:
    """Name the check, or what several have in common and then the checks."""
    first, *others = shared.checks
    decides = any(check.id in run.verdict.deciding for check in shared.checks)
    badge = element("span", "decided the verdict", class_="badge") if decides else ""
    if not others:
        title = element("p", first.title, class_="soft") if first.title else ""
        return joined(element("h3", sign(first.outcome), link(first), badge), title)
    summary = f"{several(len(shared.checks), 'check')}: {shared.cause.summary}"
    return joined(element("h3", sign(shared.outcome), summary, badge), _links(shared, run))


def _links(shared: Shared, run: JudgedRun) -> Markup:
    links = [element("li", link(check)) for check in shared.checks[:_LINKS]]
    if len(shared.checks) > _LINKS:
        links.append(element("li", f"{len(shared.checks) - _LINKS} more"))
    return element(
        "details",
        element("summary", names_of(shared.checks, run)),
        element("ul", *links),
        class_="of",
    )


def _rows(rows: list[tuple[str, str]]) -> Markup:
    """Rows with their labels; a command can be copied."""
    return element("dl", *(_row(*row) for row in rows), class_="rows")


def _row(label: str, words: str) -> Markup:
    told = command(words) if label == _COMMAND else words
    return element("div", element("dt", label), element("dd", told), class_=label)
