"""The document: what was acted out, and what came of it."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterator, Sequence

from smokegate.results import Action

from tests.system.acted_out.rows import Condition, Result, Row, Wrong

INTRODUCTION = """\
# What was acted out

Each row was acted out against a real Lattice API: by a proxy, a relay or a resolver on the way to
it, by a second replica, by another server or database under it. What acts out counts how often it
did so; where nothing needs to be done, the records of the runs are counted. A run in which nothing
was acted out is an error, never a result. `make acted-out` repeats all of it; the rows stand in
`tests/system/acted_out/`. The tests act out every condition once, and of the faults the first for
each check and verdict.
"""
CONDITIONS = """\
## What healthy deployments show

None of it may lead to a rollback, and each row says which verdicts are right. The runs had the
default settings. With no rollback in n runs, the rate of rollbacks is below 3/n with 95% confidence
(the rule of three).
"""
FAULTS = """\
## Faults

The verdict must be at least as severe as the row says, and the named check or probe must have
failed or been blocked. The waits of the suites were shortened, and the sampler was off but where
it is what must notice.
"""
LEFT_OUT = """\
Not acted out, because no critical path leads there: login throttle off (F51), a tenant's id that
can be set (F55), a user on an admin's route (F56), two rows for one Idempotency-Key (F66), no
second delivery after a 500 (F74), a plan's quota unenforced (F76). An expired token that is
accepted (F42) would need a token that has expired.

Nor what healthy services show, or what a check would cost more than it tells: an event that is
delivered twice (at least once is promised), a cookie without Secure (load balancers set such), a
Date that is not the runner's (nobody knows whose clock is wrong), a plan that a new log-in loses
and an account that its removal leaves (each a password hash more). A target that answers 429 to
everything gives no answer, so its verdict is inconclusive, and the gate stays closed.
"""


def document(rows: Sequence[Row], results: Sequence[Result]) -> str:
    """Write the document about these rows from the results that are there."""
    conditions = [row for row in rows if isinstance(row, Condition)]
    faults = [row for row in rows if isinstance(row, Wrong)]
    parts = [
        INTRODUCTION,
        _measured(results),
        CONDITIONS,
        _altogether(conditions, results),
        "\n".join(_table_of_conditions(conditions, results)) + "\n",
        FAULTS,
        "\n".join(_table_of_faults(faults, results)) + "\n",
        LEFT_OUT,
    ]
    return "\n".join(parts)


def rate_below(rollbacks: int, runs: int) -> str:
    """Bound the rate of rollbacks by the rule of three, which holds where there was none."""
    return f"{min(3 / runs, 1):.2%}" if runs and not rollbacks else "no bound"


def _measured(results: Sequence[Result]) -> str:
    commits = ", ".join(sorted({result.commit for result in results})) or "none"
    days = sorted({result.at for result in results}) or ["never"]
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return (
        f"Measured {when} at commit {commits}, on {os.cpu_count()} cores, "
        f"{platform.system()} {platform.release().partition('-')[0]}, "
        f"Python {platform.python_version()}.\n"
    )


def _altogether(rows: Sequence[Condition], results: Sequence[Result]) -> str:
    ours = [result for row in rows for result in _of(row, results) if not result.trouble]
    rollbacks = _rollbacks(ours)
    bound = rate_below(rollbacks, len(ours))
    return f"Altogether {rollbacks} rollbacks in {len(ours)} runs (bound: {bound}).\n"


def _table_of_conditions(rows: Sequence[Condition], results: Sequence[Result]) -> Iterator[str]:
    yield from _head(
        "id",
        "condition",
        "acted out",
        "runs",
        "rollbacks",
        "rate below",
        "verdicts",
        "allowed",
        "as it must be",
    )
    for row in rows:
        ours = _of(row, results)
        good = [result for result in ours if not result.trouble]
        rollbacks = _rollbacks(good)
        yield _line(
            row.id,
            row.what,
            row.how,
            len(good),
            rollbacks,
            rate_below(rollbacks, len(good)),
            _verdicts(good),
            ", ".join(action.value for action in row.allowed),
            _share(row, ours),
        )


def _table_of_faults(rows: Sequence[Wrong], results: Sequence[Result]) -> Iterator[str]:
    yield from _head(
        "id", "fault", "acted out", "runs", "noticed by", "at least", "verdicts", "as it must be"
    )
    for row in rows:
        ours = _of(row, results)
        good = [result for result in ours if not result.trouble]
        yield _line(
            row.id,
            row.what,
            row.how,
            len(good),
            row.noticed_by,
            row.at_least.value,
            _verdicts(good),
            _share(row, ours),
        )


def _of(row: Row, results: Sequence[Result]) -> list[Result]:
    return [result for result in results if result.row == row.id]


def _rollbacks(results: Sequence[Result]) -> int:
    return sum(result.verdict == Action.ROLLBACK.value for result in results)


def _verdicts(results: Sequence[Result]) -> str:
    seen = Counter(result.verdict for result in results)
    return ", ".join(f"{verdict} {number}" for verdict, number in seen.most_common()) or "none"


def _share(row: Row, results: Sequence[Result]) -> str:
    """Say how many results are right, and what is wrong with the first that is not."""
    flaws = [flaw for flaw in (row.flaw(result) for result in results) if flaw]
    share = f"{len(results) - len(flaws)} of {len(results)}"
    return f"{share}: {flaws[0]}" if flaws else share


def _head(*names: str) -> Iterator[str]:
    yield _line(*names)
    yield "|" + "---|" * len(names)


def _line(*cells: object) -> str:
    plain = (str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(plain)} |"
