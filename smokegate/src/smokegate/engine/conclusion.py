"""What the tries of a check come to: its result."""

from __future__ import annotations

from typing import Protocol

from smokegate.client.evidence import milder
from smokegate.client.incurable import incurable_cause
from smokegate.engine.attempt import Ended
from smokegate.results import CheckResult, Consequence, Outcome, ResourceResult

_SERVER_ERROR = 500
_KEPT_TOO_LONG = -1  # a connection that is none, and the same for all of them


class Described(Protocol):
    """What a result says of the check or the probe that it is of."""

    id: str
    suite: str
    name: str
    title: str
    consequence: Consequence
    deprecated: str
    owner: str
    quarantined_until: str
    quarantine_reason: str


def concluded(check: Described, tries: list[Ended]) -> CheckResult:
    """What a check's one or two tries come to."""
    first, last = tries[0], tries[-1]
    outcome, reason, warnings = last.outcome, last.attempt.reason, list(last.evidence.warnings)
    flaky = len(tries) > 1 and last.did_not_repeat(first)
    if flaky:
        again = f"skipped ({reason})" if outcome is Outcome.SKIPPED else "passed"
        outcome = Outcome.WARNED
        warnings.insert(0, f"flaky: {again} on the second try, first {first.attempt.reason}")
        reason = "; ".join(warnings)
    elif len(tries) > 1 and outcome is Outcome.SKIPPED:
        outcome, reason, last = first.outcome, first.attempt.reason, first
    elif len(tries) > 1 and outcome is Outcome.FAILED:
        flaky = _severity(check, last) < _severity(check, first)
        if flaky:
            warnings.insert(0, f"flaky: did not repeat, first {first.attempt.reason}")
    failed = _failed_consequences(check, last)
    if outcome is Outcome.UNKNOWN:
        possible = [check.consequence, *_failed_consequences(check, first)]
        at_worst = max(possible, key=lambda each: each.severity)
        failed = [] if last.is_unconfirmed else failed
        return result_of(check, outcome, reason, attempts=tries, failed=failed, at_worst=at_worst)
    if flaky and not failed and _broke_trust(first):
        failed = [Consequence.INVESTIGATE]
    return result_of(
        check,
        outcome,
        reason,
        attempts=tries,
        warnings=warnings,
        failed=failed,
        flaky=flaky,
        lost_connection=lost_connection_of(first) if flaky else None,
    )


def _failed_consequences(check: Described, ended: Ended) -> list[Consequence]:
    failed = {each.consequence for each in ended.evidence.failures}
    if ended.outcome is Outcome.FAILED and (ended.attempt.asserted or not failed):
        incurable = incurable_cause(ended.attempt.last_exchange)
        failed.add(milder(check.consequence) if incurable else check.consequence)
    return sorted(failed, key=lambda each: each.severity)


def _broke_trust(ended: Ended) -> bool:
    """Whether a reply showed what means rollback wherever it stands, even if only once."""
    if ended.evidence.consequence is Consequence.ROLLBACK:
        return False  # there every failure means it, a passing 503 as well
    replies = (
        each.exchange_in(ended.attempt.exchanges)
        for each in ended.evidence.failures
        if each.consequence is Consequence.ROLLBACK
    )
    return any(reply and (reply.status or _SERVER_ERROR) < _SERVER_ERROR for reply in replies)


def _severity(check: Described, ended: Ended) -> int:
    return max(each.severity for each in _failed_consequences(check, ended))


def lost_connection_of(ended: Ended) -> int | None:
    """The connection whose loss alone made an attempt fail.

    Kept ones that the target closed just when they were written to count as one: after the first,
    writes go on connections of their own.
    """
    attempt, last = ended.attempt, ended.attempt.last_exchange
    # Of several at once, they are seldom the last to end.
    lost = {
        each.number for each in attempt.exchanges if each.trouble and each.trouble.kind == "lost"
    }
    missed = {each.exchange for each in attempt.expectations if not each.held}
    if missed and missed <= lost:
        return _KEPT_TOO_LONG
    if last and last.trouble and last.trouble.kind in ("reset", "empty", "truncated"):
        return last.connection
    return None


def blocked(check: Described, root: ResourceResult) -> CheckResult:
    """What a check comes to whose resource could not be made."""
    reason = f"{root.name}: {root.reason}"
    if root.outcome is Outcome.UNKNOWN:
        return result_of(check, Outcome.UNKNOWN, f"needs {reason}", blocked_by=root.name)
    if root.outcome is Outcome.SKIPPED:
        return result_of(check, Outcome.SKIPPED, f"needs {reason}", blocked_by=root.name)
    expectations = root.attempts[-1].expectations if root.attempts else []
    causes = [
        each.consequence
        for each in expectations
        if not each.held and each.consequence is not Consequence.WARN
    ]
    # What was not run is no reason to go on, and what does not mean rollback there does not here.
    mild = all(cause.severity <= Consequence.INVESTIGATE.severity for cause in causes)
    if not causes:  # a plain assert
        mild = bool(root.attempts and incurable_cause(root.attempts[-1].last_exchange))
    return result_of(
        check,
        Outcome.BLOCKED,
        f"blocked by {reason}",
        blocked_by=root.name,
        failed=[Consequence.INVESTIGATE if mild else check.consequence],
    )


def result_of(
    check: Described,
    outcome: Outcome,
    reason: str,
    *,
    attempts: list[Ended] | None = None,
    warnings: list[str] | None = None,
    failed: list[Consequence] | None = None,
    blocked_by: str = "",
    flaky: bool = False,
    lost_connection: int | None = None,
    at_worst: Consequence | None = None,
) -> CheckResult:
    """Put a check's result together; `failed` is mildest first."""
    records = [each.attempt for each in attempts or []]
    last = attempts[-1].evidence if attempts else None
    return CheckResult(
        id=check.id,
        suite=check.suite,
        name=check.name,
        title=check.title,
        outcome=outcome,
        consequence=at_worst or (failed[-1] if failed else check.consequence),
        reason=reason,
        blocked_by=blocked_by,
        duration_s=round(sum(each.duration_s for each in records), 6),
        attempts=records,
        failed_consequences=failed or [],
        warnings=warnings or [],
        flaky=flaky,
        lost_connection=lost_connection,
        deprecated=check.deprecated,
        owner=check.owner,
        quarantined_until=check.quarantined_until,
        quarantine_reason=check.quarantine_reason,
        remarks=list(last.remarks) if last else [],
        samples=dict(last.samples) if last else {},
    )
