"""What a row of the table is, and what its results must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from smokegate.results import Action

from smokegate import engine, settings
from tests.system.acted_out.stage import Act
from tests.system.command import SUITES

PROCEED = (Action.PROCEED,)
OPEN = (Action.PROCEED, Action.MONITOR)
EVERY_CHECK, EVERY_CHECK_OF_JSON = "every check", "every check that reads JSON"
# Those that look at nothing but status, headers, times and the handshake.
WITHOUT_JSON = tuple(
    f"health.test_{name}"
    for name in ("api_response_time", "cors_headers", "security_headers", "ssl_certificate")
)
# Faults need not be waited for, nor does each need the edge of the rate limit; what healthy
# deployments show is met with the defaults.
IMPATIENT = {
    "timeout_s": 5,
    "read_back_wait_s": 0.2,
    "usage_wait_s": 0.2,
    "webhook_wait_s": 2,
    "wait_s": 1,
    "rate_limit_cap": 20,
    "sample_requests": 0,
}
# Where the sampler is what must notice.
SAMPLED = {"sample_requests": 200, "wait_s": 2}


@dataclass(frozen=True)
class Result:
    """What came of acting a row out once: the worst verdict if there were several runs.

    `at` is a date. `acted` is how often the instrument did what the row says, `caught` names the
    checks and probes that did not pass. `error` says why there is no verdict, `cannot` that this
    system does not let the row be acted out.
    """

    row: str
    number: int
    commit: str
    at: str
    acted: int = 0
    verdict: str = ""
    rule: str = ""
    reason: str = ""
    caught: Sequence[str] = ()
    duration_s: float = 0.0
    error: str = ""
    cannot: str = ""

    @property
    def trouble(self) -> str:
        """Why it says nothing about the product, if it does not."""
        return self.error or self.cannot or ("" if self.acted else "it was not acted out")


@dataclass(frozen=True)
class Condition:
    """Something that healthy deployments show, and the verdicts that it may lead to.

    Its `acts` take turns, run by run; `how` says what they do. It is verified with the defaults.
    """

    settings: ClassVar[Mapping[str, object]] = {}
    id: str
    what: str
    how: str
    acts: tuple[Act, ...]
    allowed: tuple[Action, ...] = PROCEED

    def flaw(self, result: Result) -> str:
        """Say what is wrong with a result; nothing if it is as it must be."""
        if result.trouble:
            return result.trouble
        allowed = [action.value for action in self.allowed]
        if result.verdict not in allowed:
            return f"{result.verdict}, not {' or '.join(allowed)}: {result.reason}"
        return ""


@dataclass(frozen=True)
class Wrong:
    """A fault, the check or probe that must notice it, and the mildest verdict that is right."""

    settings: ClassVar[Mapping[str, object]] = IMPATIENT
    id: str
    what: str
    how: str
    acts: tuple[Act, ...]
    noticed_by: str
    at_least: Action

    def flaw(self, result: Result) -> str:
        """Say what is wrong with a result; nothing if it is as it must be."""
        if result.trouble:
            return result.trouble
        if missed := [each for each in self._noticing() if each not in result.caught]:
            return f"not noticed by {', '.join(missed)}"
        if Action(result.verdict).severity < self.at_least.severity:
            return f"{result.verdict}, milder than {self.at_least.value}: {result.reason}"
        return ""

    def _noticing(self) -> Sequence[str]:
        if self.noticed_by == EVERY_CHECK:
            return every_check()
        if self.noticed_by == EVERY_CHECK_OF_JSON:
            return [each for each in every_check() if each not in WITHOUT_JSON]
        return [self.noticed_by]


Row = Condition | Wrong


@cache
def every_check() -> tuple[str, ...]:
    """The ids of the checks of the shipped suites."""
    plan = engine.load([SUITES], settings.load({}, {}, SUITES))
    return tuple(check.id for check in plan.checks)
