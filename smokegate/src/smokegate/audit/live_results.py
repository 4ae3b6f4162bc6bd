"""What came of acting out faults, and harmless conditions, in front of a running target."""

from __future__ import annotations

import msgspec


class LiveResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run made of one fault.

    `caught_by` names the checks and probes that failed and had not without it; `delivered` counts
    how often it was acted out.
    """

    fault: str
    title: str
    verdict: str
    rule: str
    reason: str
    caught_by: list[str]
    delivered: int
    seconds: float


class LiveReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of all: the run without any fault, the faults, and why some were left out."""

    undisturbed: LiveResult
    results: list[LiveResult]
    left_out: dict[str, str]


class BenignResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the runs made of one condition, or of all.

    The true rate of rollbacks lies below `bound` with 95% confidence. `alarms` are the reasons of
    those verdicts that are not `allowed`.
    """

    condition: str
    title: str
    runs: int
    verdicts: dict[str, int]
    rollbacks: int
    bound: float
    allowed: list[str]
    alarms: list[str]


class BenignReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of each condition, of all together, and why some were left out."""

    results: list[BenignResult]
    total: BenignResult
    left_out: dict[str, str]
