"""Every check, probe and resource: a line that opens to what it asked and what it demanded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from smokegate.reports.page.exchanges import exchanges
from smokegate.reports.page.markup import Markup, block, element, joined, text
from smokegate.reports.wording import NOT_PASSED, SIGNS, remarks, seconds, several
from smokegate.results import Attempt, CheckResult, JudgedRun, Outcome, ResourceResult

_OUTPUT_CHARS = 6_000
_ATTEMPTS = 3
_ORDINALS = ("First", "Second", "Third")
_TITLE_CHARS = 200
_REMARKS = 10
_LEAST_ROOM = 5_000
_SHORT = "Its evidence found no room on this page; run.json has it."


class Room:
    """The characters that a page has for evidence; `left_out` counts what found none."""

    def __init__(self, chars: int) -> None:
        self._left = chars
        self.left_out = 0

    def fill(self, make: Callable[[], Markup]) -> Markup | None:
        """Make a piece if there is room for it.

        One that does not fit takes half of the room with it: making it took time as well.
        """
        made = make() if self._left > _LEAST_ROOM else None
        if made is None or len(made) > self._left:
            self._left //= 2
            self.left_out += 1
            return None
        self._left -= len(made)
        return made


def anchor(one: CheckResult | ResourceResult) -> str:
    """The name by which the evidence of a check or a resource is linked to."""
    return one.id if isinstance(one, CheckResult) else f"resource.{one.name}"


def link(one: CheckResult | ResourceResult) -> Markup:
    """A link to the evidence of a check or a resource."""
    name = one.id if isinstance(one, CheckResult) else one.name
    return element("a", name, href=f"#{anchor(one)}")


def sign(outcome: Outcome) -> Markup:
    """The sign of an outcome; its word is there for those who do not see it."""
    return element(
        "span",
        SIGNS[outcome],
        class_=f"sign {outcome.value}",
        role="img",
        aria_label=outcome.value,
    )


def check_entry(check: CheckResult, run: JudgedRun, room: Room, *, is_open: bool) -> Markup:
    """The entry of a check or a probe."""
    took, *others = [*remarks(check, run.started_at), ""]
    if not (check.attempts or check.duration_s):
        took, others = "", [took, *others]
    head = [
        sign(check.outcome),
        element("code", check.name),
        element("span", text(check.title, _TITLE_CHARS), class_="title"),
        *(element("span", text(words, _TITLE_CHARS), class_="badge") for words in others if words),
        element("span", took, class_="took"),
    ]
    return _entry(check, head, _about_check(check, run), room, is_open=is_open)


def resource_entry(resource: ResourceResult, room: Room, *, is_open: bool) -> Markup:
    """The entry of a resource."""
    needed = f"needed by {several(len(resource.needed_by), 'check')}"
    head = [
        sign(resource.outcome),
        element("code", resource.name),
        element("span", needed, class_="title"),
        element("span", "flaky", class_="badge") if resource.flaky else "",
        element("span", seconds(resource.duration_s), class_="took"),
    ]
    about = [element("p", f"Needed by {', '.join(resource.needed_by)}", class_="soft")]
    if resource.outcome in NOT_PASSED:
        about.insert(0, element("p", resource.reason, class_="reason"))
    return _entry(resource, head, about, room, is_open=is_open)


def _entry(
    one: CheckResult | ResourceResult,
    head: Iterable[str],
    about: Iterable[Markup],
    room: Room,
    *,
    is_open: bool,
) -> Markup:
    evidence = room.fill(partial(_evidence, one, about))
    if evidence is None:
        evidence = element("p", _SHORT, class_="more")
    return element(
        "details",
        element("summary", *head),
        element("div", evidence, id=anchor(one), class_="inside"),
        class_=f"entry {one.outcome.value}",
        open=is_open,
    )


def _evidence(one: CheckResult | ResourceResult, about: Iterable[Markup]) -> Markup:
    return joined(*about, *(_attempt(each, one) for each in one.attempts[-_ATTEMPTS:]))


def _about_check(check: CheckResult, run: JudgedRun) -> Iterator[Markup]:
    if check.outcome in NOT_PASSED and not check.blocked_by:
        yield element("p", check.reason, class_="reason")
    if check.blocked_by:
        yield element("p", "Waited in vain for ", _root(check, run), ": ", check.reason)
    if check.outcome is Outcome.SKIPPED:
        yield element("p", check.reason)
    for warning in check.warnings[:_REMARKS]:
        yield element("p", warning, class_="wish")
    if check.owner:
        yield element("p", f"It depends on a third party, {check.owner}.")
    for remark in check.remarks[:_REMARKS]:
        yield element("p", remark, class_="soft")


def _root(check: CheckResult, run: JudgedRun) -> str:
    roots = (each for each in run.resources if each.name == check.blocked_by)
    return next((link(each) for each in roots), element("b", check.blocked_by))


def _attempt(attempt: Attempt, one: CheckResult | ResourceResult) -> Markup:
    pieces = [_about_attempt(attempt, len(one.attempts)), exchanges(attempt)]
    for name, words in (("Output", attempt.output), ("Traceback", attempt.traceback)):
        if words:
            pieces += [element("p", name, class_="label"), written(words)]
    return element("div", *pieces, class_="attempt")


def written(words: str) -> Markup:
    """Output or a traceback as it was written."""
    return element("pre", block(words.rstrip(), _OUTPUT_CHARS))


def _about_attempt(attempt: Attempt, tries: int) -> Markup:
    words = f"began at {seconds(attempt.started_s)}, took {seconds(attempt.duration_s)}"
    if attempt.requests:
        words = f"{several(attempt.requests, 'request')}; {words}"
    if tries == 1:
        return element("p", words, class_="about")
    ordinal = _ORDINALS[min(attempt.number, len(_ORDINALS)) - 1]
    head = element("b", f"{ordinal} try: {attempt.outcome.value}")
    return element("p", head, f"; {words}", class_="about")
