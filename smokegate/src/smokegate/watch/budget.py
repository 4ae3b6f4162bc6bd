"""How much of its error budget a target used up while it was watched.

The objective is a share of good rounds, in percent. A burn rate of 1 uses up exactly what it
leaves; the pairs of windows and their rates are those of the SRE workbook, chapter 5: the long one
shows that it matters, the short one that it goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from smokegate.engine.sampling import interval
from smokegate.watch.rounds import Result, Round
from smokegate.watch.standing import Change

# A long window in seconds, a short one, and the burn rate at which both of them alarm.
_PAIRS = ((3_600.0, 300.0, 14.4), (21_600.0, 1_800.0, 6.0))
_FEWEST_BLIPS = 3  # one or two may be chance, however high a rate they make of few rounds


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """The share of good rounds with its exact 95% interval, beside the objective.

    `used` is the part of the budget that is gone, 1 for all of it. Times without an answer of ours,
    skipped slots and looks between slots count nowhere.
    """

    objective: float
    good: int
    bad: int
    unknown: int
    availability: float | None
    lowest: float | None
    highest: float | None
    used: float | None
    requests: int
    failed_requests: int

    @property
    def is_missed(self) -> bool:
        """Whether the objective was missed beyond doubt."""
        return self.highest is not None and self.highest < self.objective / 100


def budget(rounds: Sequence[Round], objective: float) -> Budget:
    """Sum up some rounds."""
    slots = _slots(rounds)
    results = [each.result for each in slots]
    good, bad = results.count(Result.GOOD), results.count(Result.BAD)
    known = good + bad
    low, high = interval(bad, known) if known else (None, None)
    return Budget(
        objective=objective,
        good=good,
        bad=bad,
        unknown=results.count(Result.UNKNOWN),
        availability=good / known if known else None,
        lowest=None if high is None else 1 - high,
        highest=None if low is None else 1 - low,
        used=_burn_rate(bad, known, objective) if known else None,
        requests=sum(each.requests for each in rounds),
        failed_requests=sum(each.failed_requests for each in rounds),
    )


def flapping(
    rounds: Sequence[Round], changes: Sequence[Change], objective: float, now_s: float
) -> float | None:
    """The burn rate, if failures that no second look confirmed use up the budget too fast.

    Those within a confirmed outage are told as that. Of a watch that is shorter than a window, all
    of it is looked at.
    """
    slots = [each for each in _slots(rounds) if each.result is not Result.UNKNOWN]
    blips = [each for each in slots if each.result is Result.BAD and not _told(each, changes)]
    for long_s, short_s, rate in _PAIRS:
        recent = _since(slots, now_s - long_s), _since(blips, now_s - long_s)
        lately = _since(slots, now_s - short_s), _since(blips, now_s - short_s)
        rates = [_burn_rate(len(bad), len(all_), objective) for all_, bad in (recent, lately)]
        if len(recent[1]) >= _FEWEST_BLIPS and min(rates) >= rate:
            return rates[0]
    return None


def _told(round_: Round, changes: Sequence[Change]) -> bool:
    """Whether a round lies in a time in which the gate was closed by a confirmed change."""
    before = [change for change in changes if change.since_s <= round_.at_s]
    return bool(before) and not before[-1].after.opens_the_gate


def _slots(rounds: Iterable[Round]) -> list[Round]:
    return [each for each in rounds if not each.again]


def _since(rounds: Iterable[Round], moment_s: float) -> list[Round]:
    return [each for each in rounds if each.at_s > moment_s]


def _burn_rate(bad: int, known: int, objective: float) -> float:
    return bad / max(known, 1) / (1 - objective / 100)
