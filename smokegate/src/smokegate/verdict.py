"""What to do with the release: a pure function from the evidence of a run.

The rules are a table, judged from the top, the first that holds wins. What the runner could not
tell is judged at both ends: as passed and as failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from smokegate.baseline import no_longer_applying
from smokegate.results import (
    Action,
    CheckResult,
    Consequence,
    Counts,
    Mitigation,
    Outcome,
    ResourceResult,
    Run,
    Verdict,
)
from smokegate.weights import Seen, mitigations, seen

_FLAKY_LIMIT = 2
EXIT_CODES = {
    Action.PROCEED: 0,
    Action.MONITOR: 0,
    Action.INVESTIGATE: 10,
    Action.ROLLBACK: 20,
    Action.INCONCLUSIVE: 30,
}
EXIT_MONITOR_STRICT = 5


class Finding(NamedTuple):
    """What one end of the evidence comes to."""

    action: Action
    rule: str
    reason: str
    deciding: list[str]


class Rule(NamedTuple):
    """A row of the table: in words, and as a function that finds whether it holds."""

    words: str
    find: Callable[[list[Seen], Run], Finding | None]


class End(NamedTuple):
    """The table applied to one end of the evidence: its rows up to the one that held."""

    unknown_as: str
    tried: list[tuple[Rule, Finding | None]]

    @property
    def action(self) -> Action:
        """What this end alone comes to."""
        return next(finding.action for _, finding in self.tried if finding)


def judge(run: Run) -> Verdict:
    """Derive the verdict of a run; the same evidence always gives the same verdict."""
    excused = mitigations(run)
    finding = _judge(run, mitigated=False)
    if finding.action is Action.ROLLBACK and excused:
        finding = _with_excuse(_judge(run, mitigated=True), excused)
    else:
        excused = []  # nothing weighed more than an open question
    return Verdict(
        action=finding.action,
        rule=finding.rule,
        reason=finding.reason,
        counts=count(run),
        deciding=finding.deciding,
        partial=run.partial,
        version=run.version,
        requests=sum(attempt.requests for attempt in run.attempts),
        mitigated=excused,
    )


def _judge(run: Run, *, mitigated: bool) -> Finding:
    deciding = [check for check in run.everything if check.decides(run.started_at)]
    unknown = [check for check in deciding if check.outcome is Outcome.UNKNOWN]
    best, worst = _both_ends(run, mitigated=mitigated)
    if run.interrupted:
        return _inconclusive(f"interrupted by {run.interrupted}", unknown, rule="interrupted")
    if not _has_answer(run):
        return _inconclusive(_why_nothing(run, unknown), unknown, rule="nothing-run")
    if unknown or run.missing_suites:
        return _judge_both_ends(run, _apply_rules(best, run), _apply_rules(worst, run), unknown)
    return _apply_rules(best, run)


def _both_ends(run: Run, *, mitigated: bool) -> tuple[list[Seen], list[Seen]]:
    """What was seen, every unknown once as passed and once as failed."""
    deciding = [check for check in run.everything if check.decides(run.started_at)]
    best, worst = (
        [seen(each, run, unknown_passes=end, mitigated=mitigated) for each in deciding]
        for end in (True, False)
    )
    return best, worst


def ends(run: Run) -> list[End]:
    """How the table was applied: once, or for both ends where something is unknown."""
    best, worst = _both_ends(run, mitigated=bool(judge(run).mitigated))
    if run.missing_suites:
        tried: list[tuple[Rule, Finding | None]] = [(_MISSING, _missing_suite([], run))]
        return [End("passed", list(_tried(best, run))), End("failed", tried)]
    if best == worst:
        return [End("", list(_tried(best, run)))]
    return [
        End(words, list(_tried(one, run))) for words, one in (("passed", best), ("failed", worst))
    ]


def _with_excuse(finding: Finding, excused: list[Mitigation]) -> Finding:
    """Say why it is no rollback, where it is none."""
    if finding.action is Action.ROLLBACK:
        return finding
    first, more = excused[0], len(excused) - 1
    words = f"no rollback would cure {first.check}: {first.reason}"
    words += f" (and {more} more)" if more else ""
    return finding._replace(reason=f"{finding.reason}; {words}")


def exit_code(verdict: Verdict, *, strict: bool) -> int:
    """The exit code of `smokegate run`."""
    if strict and verdict.action is Action.MONITOR:
        return EXIT_MONITOR_STRICT
    return EXIT_CODES[verdict.action]


def count(run: Run) -> Counts:
    """Count the outcomes of the suites' checks; the share is over the workflows that decide."""
    outcomes = [check.outcome for check in run.checks]
    workflows = [
        check
        for check in run.checks
        if check.suite == "workflows" and check.decides(run.started_at)
    ]
    return Counts(
        passed=outcomes.count(Outcome.PASSED),
        warned=outcomes.count(Outcome.WARNED),
        failed=outcomes.count(Outcome.FAILED),
        blocked=outcomes.count(Outcome.BLOCKED),
        unknown=outcomes.count(Outcome.UNKNOWN),
        skipped=outcomes.count(Outcome.SKIPPED),
        workflows_passed=sum(check.outcome.passes for check in workflows),
        workflows_applicable=len(workflows),
        flaky=_incidents(_flaky_ones(run)),
    )


def _flaky_ones(run: Run) -> list[CheckResult | ResourceResult]:
    flaky = [check for check in run.everything if check.flaky and check.decides(run.started_at)]
    return [*flaky, *(resource for resource in run.resources if resource.flaky)]


def _incidents(flaky: list[CheckResult | ResourceResult]) -> int:
    """Count what was flaky; what one lost connection made flaky counts once."""
    lost = [each.lost_connection for each in flaky]
    return len({each for each in lost if each is not None}) + lost.count(None)


def _judge_both_ends(
    run: Run, best: Finding, worst: Finding, unknown: list[CheckResult]
) -> Finding:
    if run.missing_suites:
        worst = _missing_suite([], run)
    if best.action is worst.action:
        return best
    if best.action.opens_the_gate and not worst.action.opens_the_gate:
        reasons = [_missing(run)] if run.missing_suites else []
        reasons += [f"{check.id}: {check.reason}" for check in unknown[:1]]
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        return _inconclusive("; ".join(reasons) + more, unknown, rule="no-answer")
    return worst if worst.action.opens_the_gate else best


def _apply_rules(checks: list[Seen], run: Run) -> Finding:
    _, finding = list(_tried(checks, run))[-1]
    assert finding is not None  # noqa: S101 - the last rule always holds
    return finding


def _tried(checks: list[Seen], run: Run) -> Iterator[tuple[Rule, Finding | None]]:
    """The rows of the table with what they find, up to the first that holds."""
    for rule in RULES:
        finding = rule.find(checks, run)
        yield rule, finding
        if finding is not None:
            return


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
    if share is None or share == 1 or share > run.thresholds.monitor_above:
        return None
    reason = f"{_share_in_words(checks)}, not above {run.thresholds.monitor_above:.0%}"
    return Finding(
        Action.INVESTIGATE, "share-investigate", _with_cause(reason, failed, run), failed
    )


def _flaky(_: list[Seen], run: Run) -> Finding | None:
    flaky = _flaky_ones(run)
    if _incidents(flaky) < _FLAKY_LIMIT:
        return None
    names = [each.id if isinstance(each, CheckResult) else each.name for each in flaky]
    reason = f"{len(names)} passed only on the second try: {', '.join(names)}"
    return Finding(Action.INVESTIGATE, "flaky", reason, names)


def _missing_suite(_: list[Seen], run: Run) -> Finding:
    return Finding(Action.ROLLBACK, "missing-suite", _missing(run), [])


def _no_longer_applies(_: list[Seen], run: Run) -> Finding | None:
    gone = no_longer_applying(run)
    if not gone:
        return None
    reason = f"applied before the deployment and no longer do: {', '.join(gone)}"
    return Finding(Action.INVESTIGATE, "no-longer-applies", reason, gone)


def _share_not_whole(checks: list[Seen], run: Run) -> Finding | None:
    share, failed = _share(checks)
    if share is None or share == 1:
        return None
    reason = _with_cause(_share_in_words(checks), failed, run)
    return Finding(Action.MONITOR, "share-monitor", reason, failed)


def _monitor_failed(checks: list[Seen], run: Run) -> Finding | None:
    return _consequence_failed(checks, run, Consequence.MONITOR, Action.MONITOR)


def _all_passed(checks: list[Seen], run: Run) -> Finding:
    deciding = [check for check in run.everything if check.decides(run.started_at)]
    warned = [check.id for check in deciding if check.outcome is Outcome.WARNED]
    warned += [resource.name for resource in run.resources if resource.flaky]
    number = len(checks) - sum(probe in deciding for probe in run.probes)
    words = f"all {number} checks that apply passed"
    if number == 1:
        words = "the one check that applies passed"
    if warned:
        words += f", {len(warned)} with warnings: {', '.join(warned)}"
    return Finding(Action.PROCEED, "all-passed", words, [])


RULES: tuple[Rule, ...] = (
    Rule("something failed that means rollback", _rollback_failed),
    Rule("too few workflows passed to go on", _share_too_low),
    Rule("something failed that means investigate", _investigate_failed),
    Rule("too many workflows did not pass to just go on", _share_in_between),
    Rule("two checks or more passed only on a second try", _flaky),
    Rule("a check that applied before the deployment is skipped now", _no_longer_applies),
    Rule("a workflow did not pass", _share_not_whole),
    Rule("something failed that means monitor", _monitor_failed),
    Rule("every check that applies passed", _all_passed),
)
_MISSING = Rule("nobody knows what a missing suite would have said: the worst", _missing_suite)


def _consequence_failed(
    checks: list[Seen], run: Run, consequence: Consequence, action: Action
) -> Finding | None:
    failed = [check.id for check in checks if consequence in check.consequences]
    if not failed:
        return None
    rule = f"{consequence.value}-failed"
    return Finding(action, rule, _with_cause("", failed, run), failed)


def _has_answer(run: Run) -> bool:
    """Whether a check said anything, or a probe saw the target fail, from anywhere."""
    if any(location.run and _has_answer(location.run) for location in run.locations):
        return True
    checks = [check for check in run.checks if check.decides(run.started_at)]
    known = any(check.outcome is not Outcome.UNKNOWN for check in checks)
    return known or any(each.failed_consequences for each in [*run.probes, *checks])


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
    by_id = {check.id: check for check in run.everything}
    causes = [f"the whole target is down: {run.down}"] if run.down else []
    # What a check says of it is plainer than what a probe does.
    probes = {probe.id for probe in run.probes}
    plain = sorted(failed, key=lambda each: each in probes)
    causes = causes or list(dict.fromkeys(_cause(by_id[each]) for each in plain))
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
