"""A run beside the last good one before it: what passed then and does not now, what is slower."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from smokegate.reports.escaping import one_line
from smokegate.reports.wording import NOT_PASSED, names_of, seconds
from smokegate.results import Action, CheckResult, JudgedRun, Outcome

# One duration says little. It is notable if it is beyond all of the last good runs, of which there
# are enough, and by so much that somebody would mind.
_FEWEST_RUNS = 5
_TIMES_SLOWER = 2.0
_SLOWER_BY_S = 0.1
_NAMED = 5


class LastGood(msgspec.Struct, frozen=True, kw_only=True):
    """The last run of the same environment, target and suites that opened the gate.

    `passed` are the ids of the checks that passed in it. `durations_s` has, by check, the durations
    in this and some good runs before it, of those that passed at the first try.
    """

    run_id: str
    version: str
    started_at: str
    action: Action
    passed: list[str]
    durations_s: dict[str, list[float]]

    def in_words(self) -> str:
        """Which run it was, of which version and when."""
        began = self.started_at.partition(".")[0].replace("T", " ").removesuffix("Z")
        version = f" of version {self.version}" if self.version else ""
        return one_line(f"{self.run_id}{version}, {began} UTC, {self.action.value}")


class Slower(NamedTuple):
    """A check that takes notably longer than in the last good runs."""

    check: CheckResult
    earlier_s: list[float]

    @property
    def usual_s(self) -> float:
        """How long it took then."""
        from statistics import median  # which takes long to import

        return median(self.earlier_s)

    def in_words(self) -> str:
        """How long it took then and takes now."""
        return f"{seconds(self.check.duration_s)}, was {seconds(self.usual_s)}"


def no_longer_passing(run: JudgedRun, before: LastGood) -> list[CheckResult]:
    """The checks that passed then and did not now, or do not apply any more."""
    passed = set(before.passed)
    return [
        check
        for check in run.everything
        if check.id in passed and (check.outcome in NOT_PASSED or check.outcome is Outcome.SKIPPED)
    ]


def no_longer_there(run: JudgedRun, before: LastGood) -> list[str]:
    """The checks that passed then and are gone; of a part of the checks that cannot be told."""
    if run.partial or run.missing_suites:
        return []
    there = {check.id for check in run.everything}
    return [check for check in before.passed if check not in there]


def slower(run: JudgedRun, before: LastGood) -> list[Slower]:
    """The checks that passed at the first try and took notably longer, the slowest first."""
    candidates = [
        Slower(check, before.durations_s.get(check.id, []))
        for check in run.everything
        if check.outcome.passes and not check.flaky
    ]
    found = [each for each in candidates if _is_notable(each)]
    return sorted(found, key=lambda each: -each.check.duration_s)


def _is_notable(times: Slower) -> bool:
    now_s, earlier_s = times.check.duration_s, times.earlier_s
    if len(earlier_s) < _FEWEST_RUNS or now_s <= max(earlier_s):
        return False
    usual_s = times.usual_s
    return now_s >= _TIMES_SLOWER * usual_s and now_s - usual_s >= _SLOWER_BY_S


def changes_in_words(run: JudgedRun, before: LastGood) -> str:
    """What became worse since the last good run, in a sentence; nothing if nothing did."""
    failing = [each for each in no_longer_passing(run, before) if each.outcome in NOT_PASSED]
    late = slower(run, before)
    told = []
    if failing:
        told.append(f"no longer passing: {_shortened(names_of(failing, run).split(', '))}")
    if late:
        names = _shortened([f"{each.check.id} ({each.in_words()})" for each in late])
        told.append(f"slower: {names}")
    since = f"Since the last good run ({before.in_words()}), "
    return one_line(since + "; ".join(told)) if told else ""


def _shortened(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
