"""False alarms: what healthy deployments show, acted out in front of a running target.

Each condition has many runs, all with the settings of a real one, and none should lead to a
rollback. What differs from run to run is drawn from the condition and the number of the run alone.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from smokegate.audit.conditions import CONDITIONS, Condition, Draw, Faults
from smokegate.audit.front import Front, Performance, Subject, standing
from smokegate.audit.live_results import BenignReport, BenignResult
from smokegate.audit.undisturbed import Undisturbed, undisturbed
from smokegate.engine.sampling import interval
from smokegate.results import Action

DEFAULT_RUNS = 10
# Of the interval with both ends, which leaves half of its doubt above: 95% then lie below.
_BOTH_ENDS = 0.9
_RULE_OF_THREE = 3.0


def act_out(
    subject: Subject,
    runs: int = DEFAULT_RUNS,
    conditions: Sequence[Condition] | None = None,
) -> BenignReport:
    """Verify a target undisturbed and then so many times under each condition.

    Raises `UsageError` for a target that must not be used so, that cannot be reached or that does
    not pass undisturbed; `AuditError` where a condition did not come about.
    """
    with standing(subject) as front:
        seen = undisturbed(front)
        rows = list(CONDITIONS if conditions is None else conditions)
        left_out = {row.id: why for row in rows if (why := row.needs(seen))}
        rows = [row for row in rows if row.id not in left_out]
        results = [_result(row, _runs(front, row, seen, runs)) for row in rows]
        return BenignReport(results=results, total=total(results), left_out=left_out)


def total(results: Sequence[BenignResult]) -> BenignResult:
    """Add up what came of several conditions."""
    verdicts = sum((Counter(each.verdicts) for each in results), Counter())
    return BenignResult(
        condition="",
        title="all conditions",
        runs=verdicts.total(),
        verdicts=dict(verdicts),
        rollbacks=verdicts[Action.ROLLBACK.value],
        bound=bound(verdicts[Action.ROLLBACK.value], verdicts.total()),
        allowed=list(dict.fromkeys(name for each in results for name in each.allowed)),
        alarms=[reason for each in results for reason in each.alarms],
    )


def bound(rollbacks: int, runs: int) -> float:
    """The rate of rollbacks that is not exceeded with 95% confidence.

    Where there was none it is 3/n, the rule of three; else it is exact (Clopper and Pearson, 1934).
    """
    if not runs:
        return 1.0
    if not rollbacks:
        return min(1.0, _RULE_OF_THREE / runs)
    return interval(rollbacks, runs, confidence=_BOTH_ENDS)[1]


def _runs(front: Front, row: Condition, seen: Undisturbed, runs: int) -> Iterable[Performance]:
    for number in range(runs):
        front.subject.tell(f"{row.title}: {number + 1} of {runs}")
        yield front.act_out(row.title, _draw(row, number, seen))


def _draw(row: Condition, number: int, seen: Undisturbed) -> Callable[[int], Faults]:
    def draw(again: int) -> Faults:
        chance = random.Random(f"{row.id}/{number}/{again}")  # noqa: S311 - chance, and no secret
        return row.draw(Draw(number, chance, seen))

    return draw


def _result(row: Condition, performances: Iterable[Performance]) -> BenignResult:
    verdicts = [each.run.verdict for each in performances]
    counts = Counter(verdict.action.value for verdict in verdicts)
    rollbacks = counts[Action.ROLLBACK.value]
    return BenignResult(
        condition=row.id,
        title=row.title,
        runs=len(verdicts),
        verdicts=dict(counts),
        rollbacks=rollbacks,
        bound=bound(rollbacks, len(verdicts)),
        allowed=[action.value for action in row.allowed],
        alarms=[each.reason for each in verdicts if each.action not in row.allowed],
    )
