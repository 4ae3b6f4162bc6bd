"""`smokegate run --locations`: ask each location for its part of a run, and merge what they saw."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from smokegate import gate
from smokegate.control_run import Earlier
from smokegate.engine import Event, Plan, RunStarted
from smokegate.engine.conclusion import result_of
from smokegate.engine.probes import SUITE as PROBES
from smokegate.errors import UsageError
from smokegate.locations import ALL, MAJORITY, messages
from smokegate.locations.asking import Asking
from smokegate.locations.merging import merged
from smokegate.results import JudgedRun, LocationRun, Outcome, Run, Thresholds
from smokegate.settings import Settings
from smokegate.watchdog import GiveUp


@dataclass(frozen=True)
class Driver:
    """Verifies from several locations; `verify` stands in for that of the gate."""

    locations: tuple[str, ...]
    quorum: str = ALL

    def verify(
        self,
        settings: Settings,
        load_plan: Callable[[], Plan],
        listen: Callable[[Event], None],
        *,
        suites: list[str],  # noqa: ARG002 - each location sweeps with its own
        give_up: GiveUp,
        earlier: Earlier | None = None,
    ) -> JudgedRun:
        """Have the target verified from each location, and judge what they saw together.

        A signal ends it as inconclusive: who has not begun will not, who has cleans up by itself.
        Raises `UsageError` where there is no broker or no target, or the suites cannot be planned.
        """
        self._refuse_large_quorum()
        if not settings.url_given:
            raise UsageError("--locations: no target: set PRODUCTION_URL or give --url")
        plan, earlier = load_plan(), earlier or Earlier()
        asking = Asking(settings, plan, self._new_run_id(), earlier, listen)
        started, began_s = datetime.now(UTC), time.monotonic()
        listen(_started(asking.run_id, settings, plan, _iso(started)))
        seen = asking.ask(self.locations, give_up)
        run = self._asked(asking, settings, plan, seen)
        run = msgspec.structs.replace(
            run,
            started_at=_iso(started),
            finished_at=_iso(datetime.now(UTC)),
            duration_s=round(time.monotonic() - began_s, 6),
        )
        # Samples are of a location; each has its own in its run.
        return gate.judged(merged(run), settings, msgspec.structs.replace(earlier, samples={}))

    def _refuse_large_quorum(self) -> None:
        number = 1 if self.quorum in (ALL, MAJORITY) else int(self.quorum)
        if number > len(self.locations):
            count = len(self.locations)
            raise UsageError(f"--quorum {number}: there are only {count} locations")

    def _new_run_id(self) -> str:
        """The id of a run whose parts all have ids of their own."""
        while True:
            run_id = gate.new_run_id()
            parts = {messages.run_id_at(location, run_id) for location in self.locations}
            if len(parts | {run_id}) > len(self.locations):
                return run_id

    def _asked(
        self, asking: Asking, settings: Settings, plan: Plan, seen: list[LocationRun]
    ) -> Run:
        """What was asked, with what came back, before it is merged."""
        return Run(
            run_id=asking.run_id,
            target=settings.url,
            environment=settings.environment,
            version="",
            started_at="",
            finished_at="",
            duration_s=0.0,
            partial=plan.partial,
            interrupted=asking.interrupted,
            settings=settings.public(),
            thresholds=Thresholds(
                rollback_below=settings.rollback_below, monitor_above=settings.monitor_above
            ),
            missing_suites=plan.missing_suites,
            resources=[],
            checks=[result_of(check, Outcome.UNKNOWN, "not asked") for check in plan.checks],
            leftovers=[],
            notes=[],
            suites={**plan.suites, PROBES: gate.TOOL},
            locations=seen,
            quorum=self.quorum,
            tool=gate.TOOL,
        )


def _started(run_id: str, settings: Settings, plan: Plan, moment: str) -> RunStarted:
    checks = [(check.suite, check.id) for check in plan.checks]
    return RunStarted(run_id, settings.url, checks, plan.partial, moment)


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
