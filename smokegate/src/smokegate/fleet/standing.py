"""How the targets of a fleet stand, as its report has it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from smokegate.reports.causes import shared_causes
from smokegate.reports.escaping import one_line
from smokegate.results import Action, JudgedRun
from smokegate.targets import Target
from smokegate.verdict import exit_code

SCHEMA = 1
_CAUSES = 3


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How one target stands; `page` is its own report, beside that of the fleet, if it has one.

    `run_id` is empty where its run had not begun.
    """

    name: str
    target: str
    environment: str
    tags: list[str]
    action: Action
    reason: str
    exit_code: int
    version: str = ""
    run_id: str = ""
    duration_s: float = 0.0
    causes: list[str] = []
    page: str = ""


class FleetReport(msgspec.Struct, frozen=True, kw_only=True):
    """How all stand, the worst first; what `--json` holds."""

    schema: int = SCHEMA
    started_at: str
    duration_s: float
    interrupted: str = ""
    targets: list[Standing]

    @property
    def worst(self) -> Action:
        """The most severe verdict of all."""
        return max((each.action for each in self.targets), key=lambda action: action.severity)

    @property
    def counts(self) -> Counter[Action]:
        """How many targets have each verdict."""
        return Counter(each.action for each in self.targets)

    @property
    def exit_code(self) -> int:
        """That of the worst target; of several equally bad ones the one that is not 0."""
        worst = self.worst
        return max(each.exit_code for each in self.targets if each.action is worst)


def judged(target: Target, run: JudgedRun, page: str) -> Standing:
    """How a target stands whose run has a verdict."""
    return Standing(
        **_of(target),
        action=run.verdict.action,
        reason=one_line(run.verdict.reason),
        exit_code=exit_code(run.verdict, strict=target.settings.strict),
        version=one_line(run.version, 100),
        run_id=run.run_id,
        duration_s=run.duration_s,
        causes=[one_line(each.cause.summary) for each in shared_causes(run)[:_CAUSES]],
        page=page,
    )


def without_run(target: Target, reason: str) -> Standing:
    """How a target stands that was not verified."""
    return Standing(
        **_of(target),
        action=Action.INCONCLUSIVE,
        reason=reason,
        exit_code=30,
    )


def _of(target: Target) -> dict[str, Any]:
    return {
        "name": target.name,
        "target": target.settings.url,
        "environment": target.settings.environment,
        "tags": sorted(target.tags),
    }
