"""What was acted out live, in lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from smokegate.audit.live_results import BenignReport, BenignResult, LiveReport, LiveResult
from smokegate.audit.report import Audit
from smokegate.reports.escaping import no_command, one_line

_TITLE_CHARS = 46
_MOST_CATCHERS = 3


def of(audit: Audit) -> Iterator[str]:
    """The lines about live faults and about harmless conditions, if there are any."""
    if audit.live is not None:
        yield from map(no_command, _live(audit.live))
    if audit.benign is not None:
        yield from map(no_command, _benign(audit.benign))


def _live(report: LiveReport) -> Iterator[str]:
    noticed = sum(map(_is_noticed, report.results))
    yield ""
    yield f"Acted out live: {noticed} of {len(report.results)} faults were noticed"
    for result in report.results:
        sign = "✓" if _is_noticed(result) else "✗"
        yield f"  {sign} {result.title:{_TITLE_CHARS}}  {result.verdict:12}  {_catchers(result)}"
    yield from _left_out(report.left_out)


def _is_noticed(result: LiveResult) -> bool:
    return bool(result.caught_by) or result.verdict not in ("proceed", "inconclusive")


def _catchers(result: LiveResult) -> str:
    """Who noticed, or the rule where it was no check."""
    names = [one_line(each) for each in result.caught_by[:_MOST_CATCHERS]]
    more = len(result.caught_by) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "") or one_line(result.rule)


def _benign(report: BenignReport) -> Iterator[str]:
    yield ""
    yield "False alarms: what healthy deployments show, acted out live"
    for result in [*report.results, report.total]:
        sign = "✗" if result.rollbacks or result.alarms else "✓"
        yield f"  {sign} {result.title:{_TITLE_CHARS}}  {_verdicts(result)}"
        yield from (f"      {one_line(alarm)}" for alarm in result.alarms)
    yield from _left_out(report.left_out)


def _verdicts(result: BenignResult) -> str:
    verdicts = ", ".join(f"{verdict} {number}" for verdict, number in result.verdicts.items())
    return f"{verdicts}; {result.rollbacks} rollbacks, below {result.bound:.2%} with 95% confidence"


def _left_out(left_out: dict[str, str]) -> Iterator[str]:
    yield from (
        f"  - {one_line(each)} was left out: {one_line(why)}" for each, why in left_out.items()
    )
