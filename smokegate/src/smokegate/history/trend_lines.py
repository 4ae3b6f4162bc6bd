"""Measures and trends on a terminal: numbers with their intervals, and a bar for each day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from smokegate.history.charts import Calendar, calendar, of_shares, of_sizes
from smokegate.history.detection import DeploymentLine, Detection
from smokegate.history.digest import CheckDigest, Digest, SuiteDigest
from smokegate.history.in_words import in_buckets, quantile_in_words, share_in_words
from smokegate.history.looks import Looks
from smokegate.history.measures import FalseAlarms
from smokegate.history.tables import BUCKETS_S, RUN_BUCKETS_S
from smokegate.history.tallies import runs_together, together
from smokegate.history.trend_tables import (
    candidate_lines,
    check_version_lines,
    deployment_lines,
    environment_lines,
    flaky_lines,
    slowest_lines,
    suites_lines,
    version_lines,
)
from smokegate.reports.escaping import one_line
from smokegate.reports.layout import Rows, labelled
from smokegate.reports.pen import INDENT
from smokegate.reports.wording import several

_LABELS_WIDTH = 16


def digest_lines(digest: Digest, now: str, looks: Looks) -> Iterator[str]:
    """How an environment fares: its measures, its deployments, and what to look into."""
    days = _days(digest, now, looks)
    yield from looks.title(f"{_where(digest)}: {days.axis} (UTC)")
    yield from labelled(_measures(digest, days), width=looks.width, indent=INDENT)
    yield from deployment_lines(digest.deployments, looks)
    yield from version_lines(digest.versions, looks)
    yield from environment_lines(digest.environments, looks)
    yield from suites_lines(digest.suites, looks)
    yield from slowest_lines(digest.slowest, looks)
    yield from flaky_lines(digest.flakiest, looks)
    yield from candidate_lines(digest.candidates, looks)


def suite_lines(digest: SuiteDigest, now: str, looks: Looks) -> Iterator[str]:
    """How a suite fares."""
    days = _days(digest, now, looks)
    yield from looks.title(f"{one_line(digest.suite)}, {_where(digest)}: {days.axis} (UTC)")
    yield from labelled(_of_checks(digest, days), width=looks.width, indent=INDENT)
    yield from deployment_lines(digest.deployments, looks)
    yield from slowest_lines(digest.slowest, looks)
    yield from flaky_lines(digest.flakiest, looks)


def check_lines(digest: CheckDigest, now: str, looks: Looks) -> Iterator[str]:
    """How a check fares."""
    days = _days(digest, now, looks)
    yield from looks.title(f"{one_line(digest.check)}, {_where(digest)}: {days.axis} (UTC)")
    yield from labelled(_of_a_check(digest, days), width=looks.width, indent=INDENT)
    yield from deployment_lines(digest.deployments, looks)
    yield from check_version_lines(digest.versions, looks)


def _days(digest: Digest | SuiteDigest | CheckDigest, now: str, looks: Looks) -> Calendar:
    return calendar(digest.since, now, looks.width - _LABELS_WIDTH)


def _where(digest: Digest | SuiteDigest | CheckDigest) -> str:
    return one_line(digest.environment) or "every environment"


def _measures(digest: Digest, days: Calendar) -> Rows:
    whole = digest.whole
    columns = [runs_together(some) for some in days.sorted_in(digest.days, lambda each: each.day)]
    p95, p50 = (in_buckets(each, RUN_BUCKETS_S, whole.buckets) for each in (whole.p95, whole.p50))
    return [
        ("gate opened", share_in_words(whole.opened, "run")),
        ("", of_shares([each.opened.value for each in columns])),
        ("passed", share_in_words(whole.pass_rate, "result")),
        ("", of_shares([each.pass_rate.value for each in columns])),
        ("took, p95", f"{p95}; p50 {p50}; {several(whole.p95.count, 'run')}"),
        ("", of_sizes([each.p95.value_s for each in columns])),
        *_marks(digest.deployments, days),
        ("detection", _detection(digest.detection)),
        ("false alarms", _false_alarms(digest.false_alarms)),
    ]


def _of_a_check(digest: CheckDigest, days: Calendar) -> Rows:
    return [
        *_of_checks(digest, days),
        ("flips", f"{share_in_words(digest.flips, 'pair')} in the last runs"),
        ("second tries", share_in_words(digest.whole.retries, "result")),
        *([("title", one_line(digest.title))] if digest.title else []),
    ]


def _of_checks(digest: CheckDigest | SuiteDigest, days: Calendar) -> Rows:
    whole = digest.whole
    columns = [together(some) for some in days.sorted_in(digest.days, lambda each: each.day)]
    p95, p50 = (in_buckets(each, BUCKETS_S, whole.buckets) for each in (whole.p95, whole.p50))
    return [
        ("passed", share_in_words(whole.pass_rate, "result")),
        ("", of_shares([each.pass_rate.value for each in columns])),
        ("took, p95", f"{p95}; p50 {p50}; {several(whole.p95.count, 'result')}"),
        ("", of_sizes([each.p95.value_s for each in columns])),
        *_marks(digest.deployments, days),
    ]


def _marks(there: Sequence[DeploymentLine], days: Calendar) -> Rows:
    """A mark under each column in which something was deployed."""
    if not there:
        return []
    return [("deployed", days.marks(each.deployed_at[:10] for each in there))]


def _detection(found: Detection) -> str:
    if not found.detected.part:
        return f"no alarm after {several(found.detected.total, 'deployment')}"
    raised = f"{found.detected.part} of {several(found.detected.total, 'deployment')} raised one"
    return f"median {quantile_in_words(found.median)} from a deployment to the alarm; {raised}"


def _false_alarms(found: FalseAlarms) -> str:
    missed = f"; {several(found.missed, 'problem')} missed" if found.missed else ""
    return share_in_words(found.share, "labelled alarm") + missed
