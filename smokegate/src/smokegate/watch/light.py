"""Which checks take part in every round, and which resource is kept for them.

A light round is to leave no trace and to strain nobody. So it has no check that runs alone, none
that creates something, and of the workflows only those that read; they may need one resource,
which is kept from round to round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from smokegate.checks import Check, HealthSuite
from smokegate.engine import Plan
from smokegate.resources import CLIENT
from smokegate.results import CheckResult

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110, 9.2.1


def resource_to_keep(plan: Plan) -> str:
    """The resource that most checks need that need no other; it must need none itself."""
    needs = Counter(
        need
        for check in plan.checks
        if not check.exclusive and (need := _only_need(check)) and _is_first(plan, need)
    )
    return needs.most_common(1)[0][0] if needs else ""


def light_checks(
    checks: Iterable[Check],
    results: Mapping[str, CheckResult],
    *,
    kept: str,
    creators: Collection[str],
    before: Collection[str],
) -> list[str]:
    """The ids of those that take part in every round, by what they did in a full one.

    One that did not pass there may not have done all that it does: what is known of it from
    `before` holds, and of the others only those of the health suite that need nothing take part.
    """
    light = []
    for check in checks:
        result = results.get(check.id)
        if check.exclusive or check.id in creators or not _needs_at_most(check, kept):
            continue
        if result is None or not result.outcome.passes:
            is_light = check.id in before or (_is_health(check) and not _only_need(check))
        else:
            is_light = _is_health(check) or _only_reads(result)
        if is_light:
            light.append(check.id)
    return light


def _needs(check: Check) -> list[str]:
    return [need for need in check.needs if need != CLIENT]


def _only_need(check: Check) -> str:
    needs = _needs(check)
    return needs[0] if len(needs) == 1 else ""


def _needs_at_most(check: Check, kept: str) -> bool:
    return _needs(check) in ([], [kept])


def _is_first(plan: Plan, name: str) -> bool:
    return all(need == CLIENT for need in plan.catalogue.resources[name].needs)


def _is_health(check: Check) -> bool:
    return check.suite == HealthSuite.suite


def _only_reads(result: CheckResult) -> bool:
    return all(each.method in _SAFE for attempt in result.attempts for each in attempt.exchanges)
