"""What to do with the release: a pure function from the evidence of a run.

The rules are a table, judged from the top, the first that holds wins. What the runner could not
tell is judged at both ends: as passed and as failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from smokegate.results import (
    Action,
    CheckResult,
    Consequence,
    Counts,
    Outcome,
    ResourceResult,
    Run,
    Verdict,
)

PASSING = frozenset({Outcome.PASSED, Outcome.WARNED})
FAILING = frozenset({Outcome.FAILED, Outcome.BLOCKED})
_FLAKY_LIMIT = 2
EXIT_CODES = {
    Action.PROCEED: 0,
    Action.MONITOR: 0,
    Action.INVESTIGATE: 10,
    Action.ROLLBACK: 20,
    Action.INCONCLUSIVE: 30,
}
EXIT_MONITOR_STRICT = 5


class Seen(NamedTuple):
    """The part of a check's result that decides."""

    id: str
    suite: str
    consequences: frozenset[Consequence]
    counts_in_share: bool


class Finding(NamedTuple):
    """What one end of the evidence comes to."""

    action: Action
    rule: str
    reason: str
    deciding: list[str]


Rule = Callable[[list[Seen], Run], Finding | None]


def judge(run: Run) -> Verdict:
    """Derive the verdict of a run; the same evidence always gives the same verdict."""
    applicable = [check for check in run.checks if _applies(check)]
    unknown = [check for check in applicable if check.outcome is Outcome.UNKNOWN]
    if run.interrupted:
        finding = _inconclusive(f"interrupted by {run.interrupted}", unknown, rule="interrupted")
    elif not any(_says_something(check) for check in applicable):
        finding = _inconclusive(_why_nothing(run, unknown), unknown, rule="nothing-run")
    elif unknown or run.missing_suites:
        finding = _judge_both_ends(run, applicable, unknown)
    else:
        finding = _apply_rules(_seen(applicable, unknown_passes=True), run)
    return Verdict(
        action=finding.action,
        rule=finding.rule,
        reason=finding.reason,
        counts=count(run.checks, run.resources),
        deciding=finding.deciding,
        partial=run.partial,
    )


def exit_code(verdict: Verdict, *, strict: bool) -> int:
    """The exit code of `smokegate run`."""
    if strict and verdict.action is Action.MONITOR:
        return EXIT_MONITOR_STRICT
    return EXIT_CODES[verdict.action]


def count(checks: Iterable[CheckResult], resources: Iterable[ResourceResult] = ()) -> Counts:
    """Count outcomes; the share is over the workflows that apply and still decide."""
    checks = list(checks)
    outcomes = [check.outcome for check in checks]
    workflows = [check for check in checks if check.suite == "workflows" and _applies(check)]
    return Counts(
        passed=outcomes.count(Outcome.PASSED),
        warned=outcomes.count(Outcome.WARNED),
        failed=outcomes.count(Outcome.FAILED),
        blocked=outcomes.count(Outcome.BLOCKED),
        unknown=outcomes.count(Outcome.UNKNOWN),
        skipped=outcomes.count(Outcome.SKIPPED),
        workflows_passed=sum(check.outcome in PASSING for check in workflows),
        workflows_applicable=len(workflows),
        flaky=flaky_incidents(checks, resources),
    )


def flaky_incidents(checks: Iterable[CheckResult], resources: Iterable[ResourceResult] = ()) -> int:
    """Count flaky checks and resources; what one lost connection made flaky counts once."""
    flaky = [check.lost_connection for check in checks if check.flaky and _applies(check)]
    flaky += [resource.lost_connection for resource in resources if resource.flaky]
    return len({each for each in flaky if each is not None}) + flaky.count(None)


def _judge_both_ends(
    run: Run, applicable: list[CheckResult], unknown: list[CheckResult]
) -> Finding:
    best = _apply_rules(_seen(applicable, unknown_passes=True), run)
    worst = _apply_rules(_seen(applicable, unknown_passes=False), run)
    if run.missing_suites:
        # Nobody knows what a missing suite would have said, so its worst is the worst there is.
        worst = Finding(Action.ROLLBACK, "missing-suite", _missing(run), [])
    if best.action is worst.action:
        return best
    if best.action.opens_the_gate and not worst.action.opens_the_gate:
        reasons = [_missing(run)] if run.missing_suites else []
        reasons += [f"{check.id}: {check.reason}" for check in unknown[:1]]
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        return _inconclusive("; ".join(reasons) + more, unknown, rule="no-answer")
    return worst if worst.action.opens_the_gate else best


def _apply_rules(checks: list[Seen], run: Run) -> Finding:
    for rule in RULES:
        finding = rule(checks, run)
        if finding is not None:
            return finding
    raise AssertionError("the last rule always holds")


def _rollback_failed(checks: list[Seen], run: Run) -> Finding | None:
    return _consequence_failed(checks, run, Consequence.ROLLBACK, Action.ROLLBACK)


def _share_too_low(checks: list[Seen], run: Run) -> Finding | None:
    share, failed = _share(checks)
    if share is None or share >= run.thresholds.rollback_below:
        return None
    reason = f"{_share_in_words(checks)}, below {run.thresholds.rollback_below:.0%}"
    return Finding(Action.ROLLBACK, "share-rollback", _with_cause(reason, failed, run), failed)


def _investigate_failed(checks: list[Seen], run: Run) -> Finding | None:
    return _consequence_failed(checks, run, Consequence.INVESTIGATE, Action.INVESTIGATE)


def _share_in_between(checks: list[Seen], run: Run) -> Finding | None:
    share, failed = _share(checks)
    if share is None or share > run.thresholds.monitor_above:
        return None
    reason = f"{_share_in_words(checks)}, not above {run.thresholds.monitor_above:.0%}"
    return Finding(
        Action.INVESTIGATE, "share-investigate", _with_cause(reason, failed, run), failed
    )


def _flaky(_: list[Seen], run: Run) -> Finding | None:
    flaky = [check.id for check in run.checks if check.flaky and _applies(check)]
    flaky += [resource.name for resource in run.resources if resource.flaky]
    if flaky_incidents(run.checks, run.resources) < _FLAKY_LIMIT:
        return None
    reason = f"{len(flaky)} passed only on the second try: {', '.join(flaky)}"
    return Finding(Action.INVESTIGATE, "flaky", reason, flaky)


def _share_not_whole(checks: list[Seen], run: Run) -> Finding | None:
    share, failed = _share(checks)
    if share is None or share == 1:
        return None
    reason = _with_cause(_share_in_words(checks), failed, run)
    return Finding(Action.MONITOR, "share-monitor", reason, failed)


def _monitor_failed(checks: list[Seen], run: Run) -> Finding | None:
    return _consequence_failed(checks, run, Consequence.MONITOR, Action.MONITOR)


def _all_passed(checks: list[Seen], run: Run) -> Finding:
    warned = [each.id for each in run.checks if each.outcome is Outcome.WARNED and _applies(each)]
    warned += [resource.name for resource in run.resources if resource.flaky]
    words = f"all {len(checks)} checks that apply passed"
    if len(checks) == 1:
        words = "the one check that applies passed"
    if warned:
        words += f", {len(warned)} with warnings: {', '.join(warned)}"
    return Finding(Action.PROCEED, "all-passed", words, [])


RULES: tuple[Rule, ...] = (
    _rollback_failed,
    _share_too_low,
    _investigate_failed,
    _share_in_between,
    _flaky,
    _share_not_whole,
    _monitor_failed,
    _all_passed,
)


def _consequence_failed(
    checks: list[Seen], run: Run, consequence: Consequence, action: Action
) -> Finding | None:
    failed = [check.id for check in checks if consequence in check.consequences]
    if not failed:
        return None
    rule = f"{consequence.value}-failed"
    return Finding(action, rule, _with_cause("", failed, run), failed)


def _seen(checks: list[CheckResult], *, unknown_passes: bool) -> list[Seen]:
    return [_seen_one(check, unknown_passes=unknown_passes) for check in checks]


def _seen_one(check: CheckResult, *, unknown_passes: bool) -> Seen:
    consequences = set(check.failed_consequences)
    if check.outcome is Outcome.UNKNOWN and not unknown_passes:
        consequences.add(check.consequence)
    if check.outcome in FAILING and not consequences:
        consequences.add(check.consequence)
    if check.suite != "workflows" and Consequence.SHARE in consequences:
        consequences.add(Consequence.ROLLBACK)  # there is no share that it could count in
    return Seen(
        id=check.id,
        suite=check.suite,
        consequences=frozenset(consequences),
        counts_in_share=check.suite == "workflows",
    )


def _applies(check: CheckResult) -> bool:
    return check.outcome is not Outcome.SKIPPED and not check.deprecated


def _says_something(check: CheckResult) -> bool:
    """Whether a check gave an answer, or saw a failure before it could not tell any more."""
    return check.outcome is not Outcome.UNKNOWN or bool(check.failed_consequences)


def _share(checks: list[Seen]) -> tuple[float | None, list[str]]:
    """The share of workflows that passed, and those that count against it.

    A failure counts once: one whose consequence is not the share has a rule of its own.
    """
    workflows = [check for check in checks if check.counts_in_share]
    against = [check.id for check in workflows if _counts_against(check)]
    if not workflows:
        return None, []
    return (len(workflows) - len(against)) / len(workflows), against


def _counts_against(check: Seen) -> bool:
    return not check.consequences.isdisjoint({Consequence.SHARE, Consequence.ROLLBACK})


def _share_in_words(checks: list[Seen]) -> str:
    workflows = [check for check in checks if check.counts_in_share]
    passed = len(workflows) - sum(map(_counts_against, workflows))
    return f"{passed} of {len(workflows)} workflows passed ({passed / len(workflows):.0%})"


def _with_cause(reason: str, failed: list[str], run: Run) -> str:
    """Add what failed first, and whether it is the one cause of all."""
    by_id = {check.id: check for check in run.checks}
    causes = [f"the whole target is down: {run.down}"] if run.down else []
    causes = causes or list(dict.fromkeys(_cause(by_id[each]) for each in failed))
    more = f" (and {len(causes) - 1} more)" if len(causes) > 1 else ""
    return f"{reason}: {causes[0]}{more}" if reason else f"{causes[0]}{more}"


def _cause(check: CheckResult) -> str:
    if check.outcome is Outcome.BLOCKED:
        return check.reason.removeprefix("blocked by ")
    return f"{check.id}: {check.reason}"


def _inconclusive(reason: str, unknown: list[CheckResult], *, rule: str) -> Finding:
    return Finding(Action.INCONCLUSIVE, rule, reason, [check.id for check in unknown])


def _missing(run: Run) -> str:
    return "; ".join(dict.fromkeys(missing.reason for missing in run.missing_suites))


def _why_nothing(run: Run, unknown: list[CheckResult]) -> str:
    if run.missing_suites:
        return _missing(run)
    if unknown:
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        return f"{unknown[0].id}: {unknown[0].reason}{more}"
    return "no check was run"
