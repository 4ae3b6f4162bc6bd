"""What one look of a watch saw, and what a watch remembers of it."""

from __future__ import annotations

from enum import Enum
from statistics import median

import msgspec

from smokegate.results import Action, Exchange, JudgedRun, Outcome, Side

_SERVER_ERRORS = 500


class Result(Enum):
    """What a round says about the target."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"  # nothing: it counts on neither side


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What one look saw: `failing` of the checks that `ran`.

    `blind` says why it saw nothing; it is our own network that was down if `is_ours`.
    """

    full: bool
    action: Action
    reason: str = ""
    ran: frozenset[str] = frozenset()
    failing: frozenset[str] = frozenset()
    version: str = ""
    blind: str = ""
    is_ours: bool = False


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One round, as it is kept: `at_s` after the beginning of the watch, in seconds.

    `again` is a look between two slots, because the one before was doubtful; it counts in no share
    of rounds. `skipped` slots were missed before it.
    """

    slot: int
    again: bool = False
    at_s: float
    took_s: float
    full: bool
    result: Result
    action: Action
    reason: str = ""
    failing: list[str] = []
    version: str = ""
    skipped: int = 0
    requests: int = 0
    failed_requests: int = 0
    median_s: float | None = None  # of the requests that were answered
    run_id: str = ""
    is_ours: bool = False


def look_at(run: JudgedRun, *, full: bool) -> Look:
    """What a run says, as a watch sees it."""
    is_blind = run.verdict.action is Action.INCONCLUSIVE
    deciding = [check for check in run.everything if check.decides(run.started_at)]
    return Look(
        full=full,
        action=run.verdict.action,
        reason=run.verdict.reason,
        ran=frozenset(check.id for check in run.everything),
        failing=frozenset(check.id for check in deciding if check.outcome.fails),
        version=run.version,
        blind=run.verdict.reason if is_blind else "",
        is_ours=is_blind and _is_ours(run),
    )


def traffic(run: JudgedRun) -> tuple[int, int, float | None]:
    """The requests of a run, how many of them failed, and the median time of the answered ones."""
    times_s = [each.timing.total_s for each in _exchanges(run) if each.status is not None]
    # In a check that passed, a request that failed was meant to.
    amiss = [each for each in run.attempts if each.outcome is not Outcome.PASSED]
    failed = [each for attempt in amiss for each in attempt.exchanges if _failed(each)]
    requests = sum(attempt.requests for attempt in run.attempts)
    return requests, len(failed), median(times_s) if times_s else None


def _exchanges(run: JudgedRun) -> list[Exchange]:
    return [exchange for attempt in run.attempts for exchange in attempt.exchanges]


def _failed(exchange: Exchange) -> bool:
    """Whether the target gave no answer, or a server error."""
    if exchange.trouble is not None:
        return exchange.trouble.side is Side.TARGET
    return exchange.status is not None and exchange.status >= _SERVER_ERRORS


def _is_ours(run: JudgedRun) -> bool:
    """Whether nothing was answered and it was not the target that did not answer."""
    exchanges = _exchanges(run)
    troubles = [each.trouble for each in exchanges if each.trouble is not None]
    answered = any(each.status is not None for each in exchanges)
    return bool(troubles) and not answered and all(t.side is not Side.TARGET for t in troubles)
