"""What the results of one check from several locations come to.

| it failed from              | that is              | and means                             |
|-----------------------------|----------------------|---------------------------------------|
| as many as the quorum asks  | the target's failure | what it means anywhere                |
| fewer                       | their way to it      | investigate, or what is milder        |
| none, and one has no answer | unknown              | passed or failed, whichever it may be |

A location without an answer has no say in whose failure it is. As failed counts what it did not
tell where unknown is judged as failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from smokegate.locations import ALL, MAJORITY
from smokegate.results import CheckResult, Consequence, Outcome

# Of several things that an unknown check might mean, what surely closes the gate comes first.
_BY_DOUBT = (
    Consequence.ROLLBACK,
    Consequence.INVESTIGATE,
    Consequence.SHARE,
    Consequence.MONITOR,
)
_CLOSING = {Consequence.ROLLBACK, Consequence.INVESTIGATE}
_INCIDENTS = 1_000_000  # more than the connections of a run

Failed = frozenset[Consequence]


def needed(quorum: str, asked: int, answered: int) -> int:
    """How many locations must see a failure for it to be the target's.

    All means all that answered, but never one alone of several.
    """
    if quorum == ALL:
        return max(answered, min(2, asked))
    return asked // 2 + 1 if quorum == MAJORITY else int(quorum)


class View(NamedTuple):
    """What one location says of a check: its result, or why there is none.

    With neither, the check does not apply there.
    """

    number: int
    location: str
    check: CheckResult | None
    missing: str = ""

    @property
    def outcome(self) -> Outcome:
        """How it ended there."""
        if self.check is None:
            return Outcome.UNKNOWN if self.missing else Outcome.SKIPPED
        return self.check.outcome

    @property
    def is_unknown(self) -> bool:
        """Whether nobody knows what it would say."""
        return self.outcome is Outcome.UNKNOWN

    @property
    def failed(self) -> Failed:
        """What failed there, by what that means."""
        if self.check is None:
            return frozenset()
        own = [self.check.consequence] if self.check.outcome.fails else []
        return frozenset(self.check.failed_consequences or own) - {Consequence.WARN}

    @property
    def reason(self) -> str:
        """Why it is as it is."""
        return self.missing or (self.check.reason if self.check else "")


class Weight(NamedTuple):
    """What failures mean, those of the target apart from those of the way to it."""

    of_target: Failed
    of_way: Failed

    @property
    def failed(self) -> Failed:
        """All of it; what is on the way there is to be investigated at most."""
        most = Consequence.INVESTIGATE
        return self.of_target | {min(each, most, key=_severity) for each in self.of_way}


def one_check(template: CheckResult, views: list[View], quorum: str) -> CheckResult:
    """Merge what the locations say of a check; the template stands for it where none has one."""
    answered = sum(not view.is_unknown for view in views)
    best = weigh([view.failed for view in views], needed(quorum, len(views), answered))
    own = _own_consequence(template, views)
    worst = weigh([_at_worst(view, own) for view in views], needed(quorum, len(views), len(views)))
    is_clear = bool(best.failed & _CLOSING) or worst.failed <= best.failed
    if best.failed and is_clear:
        return _failed(best, views)
    if answered < len(views):
        return _unknown(template, best, worst, views)
    return _passed(views)


def weigh(views: Sequence[Failed], quorum: int) -> Weight:
    """Divide what failed: a consequence is the target's if enough saw it, or a worse one."""
    worst = [max(map(_severity, failed)) for failed in views if failed]
    seen: Failed = frozenset().union(*views)
    of_target = {each for each in seen if sum(one >= each.severity for one in worst) >= quorum}
    return Weight(frozenset(of_target), seen - of_target)


def _at_worst(view: View, own: Consequence) -> Failed:
    if not view.is_unknown:
        return view.failed
    return view.failed | ({view.check.consequence if view.check else own} - {Consequence.WARN})


def _own_consequence(template: CheckResult, views: list[View]) -> Consequence:
    """What it means if the check fails as a whole: what results say that had nothing to add."""
    seen = [view for view in views if view.check]
    clear = [view for view in seen if not view.failed] or seen
    own = [view.check.consequence for view in clear if view.check]
    return max(own or [template.consequence], key=_severity)


def _failed(weight: Weight, views: list[View]) -> CheckResult:
    failing = [view for view in views if view.failed]
    telling = max(failing, key=lambda view: (not view.is_unknown, max(map(_severity, view.failed))))
    alone = [view for view in failing if view.failed & weight.of_way]
    failed = sorted(weight.failed, key=_severity)
    untold = [view.check.consequence for view in views if view.is_unknown and view.check]
    return msgspec.structs.replace(
        _joined(telling, views, f"{telling.reason}{_from(alone or failing, views)}"),
        failed_consequences=failed,
        consequence=max([failed[-1], *(untold if telling.is_unknown else [])], key=_severity),
        only_from=[view.location for view in alone],
    )


def _unknown(template: CheckResult, best: Weight, worst: Weight, views: list[View]) -> CheckResult:
    silent = [view for view in views if view.is_unknown]
    first, seen = silent[0], [view for view in views if view.check]
    reason = f"{first.reason}{_from(silent, views)}"
    if first.missing:
        without = listed([view.location for view in silent if view.missing])
        reason = f"no answer from {without}: {first.missing}"
    found = _joined(first if first.check else seen[0], views, reason) if seen else template
    if not first.check:  # what others saw is no evidence of it
        found = msgspec.structs.replace(found, reason=reason, blocked_by="", attempts=[])
    return msgspec.structs.replace(
        found,
        outcome=Outcome.UNKNOWN,
        failed_consequences=sorted(best.failed, key=_severity),
        consequence=next((each for each in _BY_DOUBT if each in worst.failed), Consequence.WARN),
        only_from=[view.location for view in views if view.failed & best.of_way],
    )


def _passed(views: list[View]) -> CheckResult:
    seen = [view for view in views if view.check]
    warned = [view for view in seen if view.outcome is Outcome.WARNED]
    applying = [view for view in seen if view.outcome is not Outcome.SKIPPED]
    telling = [*warned, *applying, *seen][0]
    return _joined(telling, views, f"{telling.reason}{_from(warned or views, views)}")


def _joined(telling: View, views: list[View], reason: str) -> CheckResult:
    """The result of the location that tells most, with what the others add to it.

    Samples stay with their locations: times from here and there are not to be compared.
    """
    assert telling.check is not None  # noqa: S101 - the callers choose one that has it
    seen = [(view, view.check) for view in views if view.check]
    flaky = [(view.number, check.lost_connection) for view, check in seen if check.flaky]
    return msgspec.structs.replace(
        telling.check,
        reason=reason,
        duration_s=max(check.duration_s for _, check in seen),
        warnings=told((view.location, check.warnings) for view, check in seen),
        flaky=bool(flaky),
        lost_connection=incident(flaky),
        samples={},
    )


def incident(flaky: list[tuple[int, int | None]]) -> int | None:
    """What several flaky checks have in common; those of two locations never have anything.

    It is made of the number of a location and of a connection that was lost there.
    """
    lost = [connection for _, connection in flaky]
    if not flaky or None in lost:
        return None
    return flaky[0][0] * _INCIDENTS + (lost[0] or 0)


def told(texts: Iterable[tuple[str, list[str]]]) -> list[str]:
    """What several locations say: once what all say, and the rest with their names."""
    said = list(texts)
    by_text: dict[str, list[str]] = {}
    for location, lines in said:
        for line in dict.fromkeys(lines):
            by_text.setdefault(line, []).append(location)
    return [
        line if len(by) == len(said) else f"{line} (from {listed(by)})"
        for line, by in by_text.items()
    ]


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _from(seen: list[View], views: list[View]) -> str:
    """Say which locations it is of, unless it is of all."""
    if len(seen) == len(views):
        return ""
    names = listed([view.location for view in seen])
    return f" (from {names}, of {len(views)} locations)"


def _severity(consequence: Consequence) -> int:
    return consequence.severity
