"""What a whole watch comes to: how the target stands at its end, and what was seen before."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import msgspec

from smokegate.results import Action
from smokegate.watch.budget import Budget
from smokegate.watch.standing import Change, Standing

_LEAST_ANSWERED = 0.5  # of the rounds


class Ending(Enum):
    """Why a watch ended."""

    COMPLETE = "complete"
    ROLLBACK = "rollback"
    VERSION = "another version"
    INTERRUPTED = "interrupted"


class Conclusion(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict of a watch with its reason."""

    action: Action
    ending: Ending
    reason: str


def conclude(
    standing: Standing,
    changes: Sequence[Change],
    budget: Budget,
    ending: Ending,
    *,
    flapped: bool,
) -> Conclusion:
    """Judge a watch; the first row that applies decides."""
    action, reason = _first(
        _cut_short(standing, ending),
        _stands_closed(standing),
        _without_answer(standing, budget, ending),
        _was_closed(changes),
        _burnt(budget, flapped=flapped),
        _was_monitored(standing, changes),
    ) or (Action.PROCEED, "nothing failed that a second look confirmed")
    return Conclusion(action=action, ending=ending, reason=reason)


Row = tuple[Action, str]


def _first(*rows: Row | None) -> Row | None:
    return next(filter(None, rows), None)


def _cut_short(standing: Standing, ending: Ending) -> Row | None:
    if ending is not Ending.INTERRUPTED:
        return None
    stands = f"; so far it stood at {standing.state.value}" if standing.state else ""
    return Action.INCONCLUSIVE, f"the watch was interrupted{stands}"


def _stands_closed(standing: Standing) -> Row | None:
    if standing.state is None or standing.state.opens_the_gate:
        return None
    return standing.state, standing.reason


def _without_answer(standing: Standing, budget: Budget, ending: Ending) -> Row | None:
    reason = ""
    answered, unknown = budget.good + budget.bad, budget.unknown
    if ending is Ending.VERSION:
        reason = (
            f"version {standing.over} is served now, and {standing.version} was watched: "
            "the watch of it is over before its time"
        )
    elif standing.state is None or standing.owes_full:
        reason = "the last full round has no answer"
    elif standing.unsettled:
        reason = "the last looks do not agree"
    elif answered < _LEAST_ANSWERED * (answered + unknown):
        reason = f"{unknown} of {answered + unknown} rounds have no answer"
    return (Action.INCONCLUSIVE, reason) if reason else None


def _was_closed(changes: Sequence[Change]) -> Row | None:
    closed = [change for change in changes if not change.after.opens_the_gate]
    if not closed:
        return None
    worst = max(closed, key=lambda change: change.after.severity)
    words = f"it recovered, but stood at {worst.after.value} before: {worst.reason}"
    return Action.INVESTIGATE, words


def _burnt(budget: Budget, *, flapped: bool) -> Row | None:
    if flapped:
        reason = "it failed now and then, and used up its error budget too fast"
    elif budget.is_missed and budget.availability is not None:
        reason = f"{budget.availability:.2%} of the rounds were good, below {budget.objective:g}%"
    else:
        return None
    return Action.INVESTIGATE, reason


def _was_monitored(standing: Standing, changes: Sequence[Change]) -> Row | None:
    seen = [change for change in changes if change.after is Action.MONITOR]
    if standing.state is Action.MONITOR:
        return Action.MONITOR, standing.reason
    return (Action.MONITOR, f"it stood so for a time: {seen[-1].reason}") if seen else None
