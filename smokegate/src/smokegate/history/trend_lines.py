"""Measures and trends on a terminal: numbers with their intervals, and a bar for each day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from smokegate.history.charts import Calendar, calendar, of_shares, of_sizes
from smokegate.history.detection import DeploymentLine, Detection
from smokegate.history.digest import CheckDigest, Digest
from smokegate.history.in_words import in_buckets, quantile_in_words, share_in_words, span
from smokegate.history.looks import Looks, column, minute
from smokegate.history.measures import FalseAlarms
from smokegate.history.tables import BUCKETS_S, RUN_BUCKETS_S
from smokegate.history.tallies import runs_together, together
from smokegate.reports.escaping import one_line
from smokegate.reports.layout import Rows, labelled
from smokegate.reports.pen import INDENT
from smokegate.reports.wording import several

_LABELS_WIDTH = 16
_SHOWN_DEPLOYMENTS = 5


def digest_lines(digest: Digest, now: str, looks: Looks) -> Iterator[str]:
    """How an environment fares: its measures, its deployments, and what to look into."""
    days = calendar(digest.since, now, looks.width - _LABELS_WIDTH)
    where = one_line(digest.environment) or "every environment"
    yield from looks.title(f"{where}: {days.axis} (UTC)")
    yield from labelled(_measures(digest, days), width=looks.width, indent=INDENT)
    yield from _deployments(digest.deployments, looks)
    yield from _slowest(digest, looks)
    yield from _flakiest(digest, looks)
    yield from _candidates(digest, looks)


def check_lines(digest: CheckDigest, now: str, looks: Looks) -> Iterator[str]:
    """How a check fares."""
    days = calendar(digest.since, now, looks.width - _LABELS_WIDTH)
    where = one_line(digest.environment) or "every environment"
    yield from looks.title(f"{one_line(digest.check)}, {where}: {days.axis} (UTC)")
    yield from labelled(_measures_of_a_check(digest, days), width=looks.width, indent=INDENT)
    yield from _deployments(digest.deployments, looks)


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


def _measures_of_a_check(digest: CheckDigest, days: Calendar) -> Rows:
    whole = digest.whole
    columns = [together(some) for some in days.sorted_in(digest.days, lambda each: each.day)]
    p95, p50 = (in_buckets(each, BUCKETS_S, whole.buckets) for each in (whole.p95, whole.p50))
    return [
        ("passed", share_in_words(whole.pass_rate, "result")),
        ("", of_shares([each.pass_rate.value for each in columns])),
        ("took, p95", f"{p95}; p50 {p50}; {several(whole.p95.count, 'result')}"),
        ("", of_sizes([each.p95.value_s for each in columns])),
        *_marks(digest.deployments, days),
        ("flips", f"{share_in_words(digest.flips, 'pair')} in the last runs"),
        ("second tries", share_in_words(whole.retries, "result")),
        *([("title", one_line(digest.title))] if digest.title else []),
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


def _section(title: str, looks: Looks, lines: Iterator[str]) -> Iterator[str]:
    yield ""
    yield from looks.title(title)
    yield from lines


def _deployments(there: list[DeploymentLine], looks: Looks) -> Iterator[str]:
    if not there:
        return
    shown = there[:_SHOWN_DEPLOYMENTS]
    more = f", the last {len(shown)} of {len(there)}" if len(shown) < len(there) else ""
    yield from _section(
        f"Deployments{more}",
        looks,
        looks.table(
            column("version", [each.version for each in shown]),
            column("deployed (UTC)", [minute(each.deployed_at) for each in shown]),
            column("known by", [_SOURCES.get(each.source, each.source) for each in shown], spare=2),
            column("environment", [each.environment for each in shown], spare=1),
            looks.verdicts(
                [each.first.action if each.first else "-" for each in shown],
                heading="first verdict",
            ),
            column("alarm", [_alarm(each) for each in shown]),
        ),
    )


_SOURCES = {"told": "--deployed-at", "marked": "a marker", "sighted": "first sight"}


def _alarm(line: DeploymentLine) -> str:
    if line.detected_after_s is None:
        return "none"
    return f"after {span(line.detected_after_s)}"


def _slowest(digest: Digest, looks: Looks) -> Iterator[str]:
    there = digest.slowest
    if not there:
        return
    yield from _section(
        "Slowest checks",
        looks,
        looks.table(
            column("check", [each.check for each in there]),
            column("p95", [in_buckets(each.p95, BUCKETS_S, each.buckets) for each in there]),
            column(
                "p50", [in_buckets(each.p50, BUCKETS_S, each.buckets) for each in there], spare=1
            ),
            column("results", [f"{each.total:,}" for each in there]),
        ),
    )


def _flakiest(digest: Digest, looks: Looks) -> Iterator[str]:
    there = digest.flakiest
    if not there:
        return
    yield from _section(
        "Flaky checks",
        looks,
        looks.table(
            column("check", [each.check for each in there]),
            column("flips", [share_in_words(each.flips, "pair") for each in there]),
            column(
                "second tries", [share_in_words(each.retries, "result") for each in there], spare=1
            ),
        ),
    )


def _candidates(digest: Digest, looks: Looks) -> Iterator[str]:
    there = digest.candidates
    if not there:
        return
    yield from _section(
        "Perhaps false alarms",
        looks,
        looks.table(
            column("run", [each.alarm.run_id for each in there]),
            column("ended (UTC)", [minute(each.alarm.finished_at) for each in there], spare=2),
            looks.verdicts([each.alarm.action for each in there]),
            column("version", [each.version for each in there], spare=1),
            column("overturned by", [each.overturned_by.run_id for each in there]),
        ),
    )
    yield "Say what they were: smokegate history label RUN false-alarm, or true-alarm"
