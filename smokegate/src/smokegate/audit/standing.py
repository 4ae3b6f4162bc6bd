"""What each check is worth: what it catches, what it alone catches, and what that leads to."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from smokegate.audit.report import Audit, Row
from smokegate.audit.trials import Catch
from smokegate.results import Action, Consequence


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A check's column of the matrix, summed up.

    `share` is its part, from 0 to 1, of the faults that some check catches. `consequence` is the
    most severe one that it answered a fault with, `verdict` the most severe one that such a fault
    led to; both are empty for a check that catches nothing.
    """

    check: str
    caught: int
    alone: int
    accidents: int
    share: float
    consequence: str
    verdict: str


def standings(audit: Audit) -> list[Standing]:
    """Sum up every check of the matrix that is not left out, what catches most first."""
    noticed: dict[str, list[tuple[Row, Catch]]] = defaultdict(list)
    for row in audit.matrix.rows:
        for catch in row.caught_by:
            noticed[catch.check].append((row, catch))
    judged = [check for check in audit.matrix.checks if check not in audit.excluded]
    found = [_standing(audit, check, noticed[check]) for check in judged]
    return sorted(found, key=lambda each: (-each.caught, -each.alone))


def _standing(audit: Audit, check: str, noticed: list[tuple[Row, Catch]]) -> Standing:
    caught = [(row, catch) for row, catch in noticed if not catch.accidental]
    return Standing(
        check=check,
        caught=len(caught),
        alone=audit.single_catchers.get(check, 0),
        accidents=len(noticed) - len(caught),
        share=len(caught) / audit.caught if audit.caught else 0.0,
        consequence=_worst([catch.consequence for _, catch in caught], _CONSEQUENCES),
        verdict=_worst([row.verdict for row, _ in caught], _VERDICTS),
    )


_CONSEQUENCES = [each.value for each in Consequence]
_VERDICTS = [each.value for each in Action]


def _worst(words: list[str], mildest_first: list[str]) -> str:
    return max(words, key=mildest_first.index, default="")
