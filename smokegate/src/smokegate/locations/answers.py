"""What came back from a location: its run, if it is what was asked for, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from smokegate import gate
from smokegate.locations.messages import Answer
from smokegate.reports.escaping import one_line
from smokegate.results import JudgedRun, from_json, look_at_types
from smokegate.seal import altered_part, document_of, is_signed

_ENDED_OTHERWISE = {
    "WorkerLostError": "the process that verified was killed",
    "TimeLimitExceeded": "it was killed at its time limit",
    "TaskRevokedError": "no worker took it in time",
}


class Unusable(Exception):
    """There is no run; the message says why."""


class _Result(msgspec.Struct):
    """What Celery stores of a task."""

    status: str
    result: msgspec.Raw = msgspec.Raw(b"null")


# Types are met before there are threads; see `look_at_types`.
_RESULTS = msgspec.json.Decoder(_Result)
_ANSWERS = msgspec.json.Decoder(Answer)
look_at_types()


@dataclass(frozen=True)
class Expected:
    """What a location's run must be of to be taken for one."""

    run_id: str
    target: str
    suites: Mapping[str, str]
    checks: frozenset[str]
    signing_key: str

    def run_in(self, result: bytes) -> JudgedRun | None:
        """The run in a task's result; None while it is not done. Raises `Unusable`."""
        try:
            found = _RESULTS.decode(result)
            if found.status == "SUCCESS":
                return self._run(_ANSWERS.decode(found.result))
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise Unusable(f"its answer cannot be read: {one_line(str(error), 200)}") from None
        if found.status in ("FAILURE", "REVOKED"):
            raise Unusable(_why_failed(msgspec.json.decode(found.result)))
        return None

    def _run(self, answer: Answer) -> JudgedRun:
        if not answer.run:
            raise Unusable(one_line(answer.refused) or "its answer is empty")
        text = answer.run.encode()
        run = from_json(text)
        wrong = self._wrong_with(run) or altered_part(document_of(text))
        if wrong:
            raise Unusable(f"its run is not what was asked for: {one_line(wrong, 200)}")
        if self.signing_key and not is_signed(run, self.signing_key):
            raise Unusable("its run was not signed with this signing_key")
        return run

    def _wrong_with(self, run: JudgedRun) -> str:
        """What of a run is not as it was asked for."""
        found = {
            "run_id": run.run_id == self.run_id,
            "target": run.target == self.target,
            "tool": run.tool == gate.TOOL,
            "suites": self.suites.items() <= run.suites.items(),
            "checks": self.checks == {check.id for check in run.checks},
            "locations": not run.locations,
        }
        return next((name for name, is_right in found.items() if not is_right), "")


def _why_failed(result: Any) -> str:
    """Why a task failed; what Celery stores of an exception is from another machine."""
    kind = str(result.get("exc_type")) if isinstance(result, dict) else "unknown"
    return _ENDED_OTHERWISE.get(kind) or f"it failed there ({one_line(kind, 60)}); see its log"
