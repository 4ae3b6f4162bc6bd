"""Recording a live run: twice, so that what differs from run to run is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import msgspec

from smokegate import gate
from smokegate.audit.recording import Recorder, Recording
from smokegate.client import Session
from smokegate.client.redaction import Redactor
from smokegate.engine import Plan
from smokegate.errors import AuditError
from smokegate.results import Run
from smokegate.settings import Settings


def record(
    settings: Settings,
    load_plan: Callable[[], Plan],
    suites: list[Path],
    give_up: Callable[[str], NoReturn],
) -> tuple[Recording, Redactor]:
    """Verify the target once and record it; give the recording, and what knows its secrets.

    The sample is left out: what it measures is no check's. Raises `AuditError` where the target
    is in no state to be recorded.
    """
    recorders: list[Recorder] = []

    def attach(session: Session) -> None:
        recorders.append(Recorder(session))
        session.transport = recorders[0]

    run = gate.verify(
        msgspec.structs.replace(settings, sample_requests=0),
        load_plan,
        lambda _: None,
        suites=[str(path.resolve()) for path in suites],
        give_up=give_up,
        prepare=attach,
    )
    (recorder,) = recorders
    if run.interrupted:
        raise KeyboardInterrupt
    if run.down:
        raise AuditError(f"the target is down, there is nothing to record: {run.down}")
    return recording_of(run, recorder, settings), recorder.redactor


def recording_of(run: Run, recorder: Recorder, settings: Settings) -> Recording:
    """Put together what was recorded of a run."""
    owners = {each.id for each in run.checks} | {each.name for each in run.resources}
    return Recording(
        tool=run.tool,
        run_id=run.run_id,
        url=run.target,
        recorded_at=run.started_at,
        suites=run.suites,
        outcomes=_outcomes(run),
        test_password=settings.test_password,
        exchanges=recorder.first_attempts(owners),
    )


def _outcomes(run: Run) -> dict[str, str]:
    """How each first attempt ended, by its owner."""
    attempts = {each.id: each.attempts for each in run.checks}
    attempts |= {each.name: each.attempts for each in run.resources}
    return {owner: tries[0].outcome.value for owner, tries in attempts.items() if tries}
