"""Why checks did not pass: the evidence behind each, and what several have in common.

When everything fails for one reason, a reader wants that reason once and not twenty times.
"""

from __future__ import annotations

from typing import NamedTuple

from smokegate.reports.wording import NOT_PASSED
from smokegate.results import (
    Attempt,
    CheckResult,
    Consequence,
    Exchange,
    Expectation,
    JudgedRun,
    Outcome,
    ResourceResult,
    Run,
    Trouble,
)

_SERVER_ERROR = 500


class Cause(NamedTuple):
    """Why one check did not pass, with the evidence; `key` is equal where the cause is."""

    key: tuple[str, ...]
    summary: str
    expectations: list[tuple[Expectation, Exchange | None]]  # that did not hold, decisive first
    exchange: Exchange | None
    attempt: Attempt | None

    @property
    def trouble(self) -> Trouble | None:
        """Why the request got no reply, if that is what happened."""
        return self.exchange.trouble if self.exchange else None


class Shared(NamedTuple):
    """A cause with every check that did not pass because of it, the most telling one first."""

    cause: Cause
    checks: list[CheckResult]

    @property
    def outcome(self) -> Outcome:
        """The outcome of the most telling check."""
        return self.checks[0].outcome


def shared_causes(run: JudgedRun) -> list[Shared]:
    """Group the checks that did not pass by their cause; what decided the verdict comes first."""
    groups: dict[tuple[str, ...], list[tuple[Cause, CheckResult]]] = {}
    for check in run.everything:
        if check.outcome in NOT_PASSED:
            cause = cause_of(check, run)
            groups.setdefault(cause.key, []).append((cause, check))
    shared = [_shared(group) for group in groups.values()]
    return sorted(shared, key=lambda each: _weight(each, run), reverse=True)


def _shared(group: list[tuple[Cause, CheckResult]]) -> Shared:
    group = sorted(group, key=lambda each: _is_roundabout(*each))
    return Shared(group[0][0], [check for _, check in group])


def _is_roundabout(cause: Cause, check: CheckResult) -> tuple[bool, bool]:
    """Whether another check may show the cause more simply: by itself, and by a mere GET."""
    return bool(check.blocked_by), cause.exchange is None or cause.exchange.method != "GET"


def cause_of(check: CheckResult, run: Run | None = None) -> Cause:
    """Find why a check did not pass; the run holds what a blocked one was waiting for."""
    root = _root(check, run)
    attempt = _telling_attempt(root.attempts if root else check.attempts)
    expectations = _failed_expectations(attempt)
    exchange = _telling_exchange(attempt, expectations)
    key, summary = _key(check, root, expectations, exchange)
    if check.outcome is Outcome.UNKNOWN:
        key = ("unknown", *key)
    return Cause(key, summary, expectations, exchange, attempt)


def _root(check: CheckResult, run: Run | None) -> ResourceResult | None:
    if run is None or not check.blocked_by:
        return None
    return next((each for each in run.resources if each.name == check.blocked_by), None)


def _telling_attempt(attempts: list[Attempt]) -> Attempt | None:
    """The last attempt, or the last that did not pass where a check is flaky."""
    failed = [each for each in attempts if each.outcome in NOT_PASSED] or attempts
    return failed[-1] if failed else None


def _failed_expectations(attempt: Attempt | None) -> list[tuple[Expectation, Exchange | None]]:
    if attempt is None:
        return []
    failed = [each for each in attempt.expectations if not each.held]
    failed.sort(key=lambda each: each.consequence.severity, reverse=True)
    return [(each, each.exchange_in(attempt.exchanges)) for each in failed]


def _telling_exchange(
    attempt: Attempt | None, expectations: list[tuple[Expectation, Exchange | None]]
) -> Exchange | None:
    """The exchange that the decisive expectation was about, or else the last one."""
    decisive = [each for each in expectations if each[0].consequence is not Consequence.WARN]
    if decisive:
        return decisive[0][1]
    return attempt.last_exchange if attempt else None


def _key(
    check: CheckResult,
    root: ResourceResult | None,
    expectations: list[tuple[Expectation, Exchange | None]],
    exchange: Exchange | None,
) -> tuple[tuple[str, ...], str]:
    if exchange is not None and exchange.trouble is not None:
        trouble = exchange.trouble
        return ("trouble", trouble.kind, trouble.side.value), trouble.summary
    if exchange is not None and expectations and expectations[0][1] is exchange:
        seen = expectations[0][0].seen
        if (exchange.status or 0) >= _SERVER_ERROR and seen.startswith(str(exchange.status)):
            return ("seen", seen), f"{root.name}: {root.reason}" if root else f"saw {seen}"
    if root is not None:
        return ("reason", root.reason), f"{root.name}: {root.reason}"
    if check.blocked_by:
        return ("blocked", check.blocked_by), check.reason.removeprefix("blocked by ")
    return ("reason", check.reason), check.reason


def _weight(shared: Shared, run: JudgedRun) -> tuple[bool, bool, bool, int, int]:
    return (
        any(check.id in run.verdict.deciding for check in shared.checks),
        any(not check.deprecated for check in shared.checks),
        shared.outcome is not Outcome.UNKNOWN,
        max(check.consequence.severity for check in shared.checks),
        len(shared.checks),
    )
