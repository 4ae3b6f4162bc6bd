"""What failed before the deployment too: rolling back would not cure it.

Two failures are the same if they have the same key: the same demand on a reply to the same method
and path, what differs from run to run left out of both, and the same kind of trouble where there
was no reply. What was seen instead does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec

from smokegate.results import (
    Attempt,
    Baseline,
    CheckResult,
    Consequence,
    Exchange,
    Expectation,
    JudgedRun,
    Outcome,
    ResourceResult,
    Run,
)

_RUN_ID = r"\d{8}-\d{6}-[0-9a-f]{6}"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_HEX = r"(?=[a-f]*\d)[0-9a-f]{8,}"
_MARK = re.compile(rf"(?<![0-9a-z])(?:{_RUN_ID}|{_UUID}|{_HEX})(?![0-9a-z])", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![0-9A-Za-z])\d+(?![0-9A-Za-z])")
_FRAME = re.compile(r'File "[^"]*?([^"/\\]+)", line (\d+)')
_ANY = "*"
_FAILING = [each for each in Consequence if each is not Consequence.WARN]


def of(control: JudgedRun) -> Baseline:
    """What a control run has to say about the runs after it."""
    failed = {
        check.id: sorted(set().union(*failures(check, control.resources).values()))
        for check in control.everything
        if not check.only_from  # now from every location, it is another failure
    }
    return Baseline(
        run_id=control.run_id,
        target=control.target,
        version=control.version,
        started_at=control.started_at,
        action=control.verdict.action,
        suites=control.suites,
        applied=[check.id for check in control.checks if _applied(check)],
        failed={check: keys for check, keys in failed.items() if keys},
    )


def compared(control: JudgedRun, *, target: str, moment: str, max_age_s: float) -> Baseline:
    """The baseline of a run that begins at a moment (ISO 8601), with why it is of no use, if so."""
    why = _why_partly(control) or _why_elsewhere(control, target)
    why = why or _why_untimely(control, moment, max_age_s)
    return msgspec.structs.replace(of(control), unusable=why)


def _why_partly(control: JudgedRun) -> str:
    if control.interrupted:
        return f"it was interrupted by {control.interrupted}"
    return "it covers only a part of the checks" if control.partial else ""


def _why_elsewhere(control: JudgedRun, target: str) -> str:
    return "" if control.target == target else f"it is of another target, {control.target}"


def _why_untimely(control: JudgedRun, moment: str, max_age_s: float) -> str:
    try:
        began = datetime.fromisoformat(control.started_at)
        age_s = (datetime.fromisoformat(moment) - began).total_seconds()
    except (ValueError, TypeError):
        return f"it does not say when it began: {control.started_at!r}"
    if age_s < 0:
        return "it began after this run, by this machine's clock"
    if age_s > max_age_s:
        return f"it is {age_s:.0f} s old; baseline_max_age_s is {max_age_s:g}"
    return ""


def failed_before(check: CheckResult, keys: Iterable[str], run: Run) -> bool:
    """Whether each of these failures of a check is one that the baseline has as well."""
    if run.baseline is None or not _is_comparable(check.suite, run):
        return False
    return set(keys) <= set(run.baseline.failed.get(check.id, ()))


def no_longer_applying(run: Run) -> list[str]:
    """The checks that are skipped and were not before."""
    before = run.baseline.applied if run.baseline and not run.baseline.unusable else []
    return [
        check.id
        for check in run.checks
        if check.outcome is Outcome.SKIPPED
        and check.id in before
        and not check.deprecated
        and not check.is_quarantined(run.started_at)
    ]


def incomparable_suites(run: Run) -> list[str]:
    """The suites that have changed since the baseline, which says nothing about them any more."""
    if run.baseline is None or run.baseline.unusable:
        return []
    suites = dict.fromkeys(check.suite for check in run.everything)
    return [suite for suite in suites if not _is_comparable(suite, run)]


def notes(run: Run) -> list[str]:
    """What a reader must know of a baseline that is compared with in part, or not at all."""
    if run.baseline is None:
        return []
    if run.baseline.unusable:
        return [f"baseline {run.baseline.run_id} is not compared with: {run.baseline.unusable}"]
    return [
        f"{suite} has changed since baseline {run.baseline.run_id}: what failed in it before is "
        "not known"
        for suite in incomparable_suites(run)
    ]


def _is_comparable(suite: str, run: Run) -> bool:
    before = run.baseline
    if before is None or before.unusable:
        return False
    return bool(run.suites.get(suite)) and before.suites.get(suite) == run.suites.get(suite)


def _applied(check: CheckResult) -> bool:
    return check.outcome.passes or check.outcome is Outcome.FAILED


def failures(
    check: CheckResult, resources: Iterable[ResourceResult]
) -> dict[Consequence, frozenset[str]]:
    """What failed in a check, by what that means for the release: a key for each expectation.

    What blocks a check is what failed in the resource that it needs.
    """
    failed = check.failed_consequences or ([check.consequence] if check.outcome.fails else [])
    root = next((each for each in resources if each.name == check.blocked_by), None)
    if root is not None:
        return dict.fromkeys(failed, _keys_of(root.attempts, root.reason, _FAILING))
    return {each: _keys_of(_decisive(check), check.reason, [each]) for each in failed}


def _decisive(check: CheckResult) -> list[Attempt]:
    """The attempts up to the one that the outcome stands on."""
    if check.outcome is not Outcome.FAILED:
        return check.attempts
    return [each for each in check.attempts if each.outcome is Outcome.FAILED]


def _keys_of(
    attempts: list[Attempt], reason: str, consequences: Collection[Consequence]
) -> frozenset[str]:
    if not attempts:
        return frozenset([_constant(_NUMBER.sub(_ANY, reason))])
    last = attempts[-1]
    recorded = frozenset(
        _key(each, each.exchange_in(last.exchanges))
        for each in last.expectations
        if not each.held and each.consequence in consequences
    )
    return recorded if recorded and not last.asserted else recorded | {_unrecorded(last)}


def _unrecorded(attempt: Attempt) -> str:
    """The key of what failed otherwise, a plain assert for instance: its words and its place."""
    frames = _FRAME.findall(attempt.traceback)
    place = f" ({frames[-1][0]}:{frames[-1][1]})" if frames else ""
    return _constant(_NUMBER.sub(_ANY, attempt.reason)) + place


def _key(expectation: Expectation, exchange: Exchange | None) -> str:
    demand = _constant(expectation.demand)
    if exchange is None:
        return demand
    kind = f" ({exchange.trouble.kind})" if exchange.trouble else ""
    path = _NUMBER.sub(_ANY, _constant(exchange.path))
    return f"{exchange.method} {path}: {demand}{kind}"


def _constant(text: str) -> str:
    """A text with a star for what is made up anew in each run."""
    return _MARK.sub(_ANY, text)
