"""What each failure weighs, and what weighs less because rolling back would not cure it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from smokegate.baseline import failed_before, failures
from smokegate.client.evidence import milder
from smokegate.results import CheckResult, Consequence, Mitigation, Outcome, Run


class Seen(NamedTuple):
    """The part of a check's result that decides."""

    id: str
    suite: str
    consequences: frozenset[Consequence]

    @property
    def counts_in_share(self) -> bool:
        """Whether it is one of those whose share decides."""
        return self.suite == "workflows"


def seen(check: CheckResult, run: Run, *, unknown_passes: bool, mitigated: bool) -> Seen:
    """What a check says at one end of the evidence, with or without what excuses it."""
    consequences = _mitigated(check, run) if mitigated else _in_full(check, run)
    if check.outcome is Outcome.UNKNOWN and not unknown_passes:
        consequences.add(check.consequence)
    if check.suite != "workflows" and Consequence.SHARE in consequences:
        consequences.add(Consequence.ROLLBACK)  # there is no share that it could count in
    return Seen(check.id, check.suite, frozenset(consequences))


def mitigations(run: Run) -> list[Mitigation]:
    """The failures that weigh less than a rollback, or than their part of the share, and why."""
    return [
        Mitigation(check=check.id, reason=excuse(check, run))
        for check in run.everything
        if check.decides(run.started_at)
        and excuse(check, run)
        and _worst(_in_full(check, run)).severity > Consequence.INVESTIGATE.severity
    ]


def excuse(check: CheckResult, run: Run) -> str:
    """Why rolling back would not cure the worst of what failed in a check; empty if it might."""
    failed = failures(check, run.resources)
    if not failed:
        return ""
    if check.owner:
        return f"it depends on a third party, {check.owner}"
    if run.stale:
        return f"the expected version is not there: {run.stale}"
    if run.baseline and failed_before(check, failed[_worst(failed)], run):
        return f"failed before the deployment too (run {run.baseline.run_id})"
    return ""


def _in_full(check: CheckResult, run: Run) -> set[Consequence]:
    return set(failures(check, run.resources))


def _mitigated(check: CheckResult, run: Run) -> set[Consequence]:
    return {
        milder(consequence)
        if check.owner or run.stale or failed_before(check, keys, run)
        else consequence
        for consequence, keys in failures(check, run.resources).items()
    }


def _worst(consequences: Iterable[Consequence]) -> Consequence:
    return max(consequences, key=lambda each: each.severity)
