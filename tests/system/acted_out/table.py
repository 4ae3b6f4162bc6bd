"""The table, and acting out one of its rows."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.system.acted_out import (
    faults_of_data,
    faults_of_entry,
    faults_of_networks,
    faults_of_replies,
    faults_of_service,
)
from tests.system.acted_out.further import FURTHER
from tests.system.acted_out.healthy import AGREED
from tests.system.acted_out.rows import Result, Row
from tests.system.acted_out.stage import MisbehavedError, NoStageError, Stage, perform

FAULTS = sorted(
    [
        *faults_of_networks.FAULTS,
        *faults_of_replies.FAULTS,
        *faults_of_entry.FAULTS,
        *faults_of_data.FAULTS,
        *faults_of_service.FAULTS,
    ],
    key=lambda row: row.id,
)
CONDITIONS = (*AGREED, *FURTHER)
ROWS: tuple[Row, ...] = (*CONDITIONS, *FAULTS)


def act_out(row: Row, number: int, stage: Stage, commit: str = "") -> Result:
    """Act a row out once; what keeps that from being done is the error of the result."""
    at = datetime.now(UTC).date().isoformat()
    act = row.acts[number % len(row.acts)]
    try:
        done = perform(act, stage, number, row.settings)
    except NoStageError as error:
        return Result(row.id, number, commit, at, cannot=str(error))
    except (MisbehavedError, OSError, RuntimeError) as error:
        return Result(row.id, number, commit, at, error=f"{type(error).__name__}: {error}")
    verdict = done.worst.verdict
    return Result(
        row=row.id,
        number=number,
        commit=commit,
        at=at,
        acted=done.acted,
        verdict=verdict.action.value,
        rule=verdict.rule,
        reason=verdict.reason,
        caught=done.caught,
        duration_s=round(done.duration_s, 3),
    )
