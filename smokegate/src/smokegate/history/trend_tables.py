"""What stands in tables below the measures: deployments, versions, suites, what to look into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from smokegate.history.alarms import Candidate
from smokegate.history.detection import DeploymentLine
from smokegate.history.flakiness import Flaky
from smokegate.history.in_words import in_buckets, quantile_in_words, share_in_words, span
from smokegate.history.looks import Looks, column, minute
from smokegate.history.tables import BUCKETS_S, RUN_BUCKETS_S
from smokegate.history.trends import CheckTally, EnvironmentTally, SuiteTally
from smokegate.history.versions import RunVersionTally, VersionTally
from smokegate.reports.table import Column

_SHOWN_DEPLOYMENTS = 5
_SOURCES = {"told": "--deployed-at", "marked": "a marker", "sighted": "first sight"}


def deployment_lines(there: Sequence[DeploymentLine], looks: Looks) -> Iterator[str]:
    """The last deployments, each with its first verdict and its alarm."""
    shown = there[:_SHOWN_DEPLOYMENTS]
    more = f", the last {len(shown)} of {len(there)}" if len(shown) < len(there) else ""
    yield from _section(
        f"Deployments{more}",
        looks,
        column("version", [each.version for each in shown]),
        column("deployed (UTC)", [minute(each.deployed_at) for each in shown]),
        column("known by", [_SOURCES.get(each.source, each.source) for each in shown], spare=2),
        column("environment", [each.environment for each in shown], spare=1),
        looks.verdicts(
            [each.first.action if each.first else "-" for each in shown], heading="first verdict"
        ),
        column("alarm", [_alarm(each) for each in shown]),
    )


def _alarm(line: DeploymentLine) -> str:
    if line.detected_after_s is None:
        return "none"
    return f"after {span(line.detected_after_s)}"


def environment_lines(there: Sequence[EnvironmentTally], looks: Looks) -> Iterator[str]:
    """Environments beside each other, where there are several."""
    several = list(there) if len(there) > 1 else []
    times = [in_buckets(each.p95, RUN_BUCKETS_S, each.buckets) for each in several]
    yield from _section(
        "Environments",
        looks,
        column("environment", [each.environment for each in several]),
        column("gate opened", [share_in_words(each.opened, "run") for each in several]),
        column("took, p95", times, spare=1),
    )


def suites_lines(there: Sequence[SuiteTally], looks: Looks) -> Iterator[str]:
    """Suites beside each other."""
    yield from _section(
        "Suites",
        looks,
        column("suite", [each.suite for each in there]),
        column("passed", [share_in_words(each.pass_rate, "result") for each in there]),
        column("a check took, p95", [_p95(each) for each in there], spare=1),
    )


def version_lines(there: Sequence[RunVersionTally], looks: Looks) -> Iterator[str]:
    """The versions of the last runs, and what changed with each."""
    opened = [share_in_words(each.opened, "run") for each in there]
    yield from _versions(there, column("gate opened", opened), looks)


def check_version_lines(there: Sequence[VersionTally], looks: Looks) -> Iterator[str]:
    """What a check came to in the versions of the last runs, and what changed with each."""
    passed = [share_in_words(each.pass_rate, "result") for each in there]
    yield from _versions(there, column("passed", passed), looks)


def _versions(there: Sequence[VersionTally], share: Column, looks: Looks) -> Iterator[str]:
    environments = [each.environment for each in there]
    shown = environments if len(set(environments)) > 1 else [""] * len(there)
    yield from _section(
        "Versions of the last runs",
        looks,
        column("version", [each.version or "not known" for each in there]),
        column("environment", shown, spare=1),
        column("first run (UTC)", [minute(each.began_at) for each in there], spare=2),
        share,
        column("took, p95", [quantile_in_words(each.p95) for each in there], spare=3),
        column("since the one before", [", ".join(each.changes) for each in there]),
    )


def slowest_lines(there: Sequence[CheckTally], looks: Looks) -> Iterator[str]:
    """The slowest checks."""
    p50 = [in_buckets(each.p50, BUCKETS_S, each.buckets) for each in there]
    yield from _section(
        "Slowest checks",
        looks,
        column("check", [each.check for each in there]),
        column("p95", [_p95(each) for each in there]),
        column("p50", p50, spare=1),
        column("results", [f"{each.total:,}" for each in there]),
    )


def flaky_lines(there: Sequence[Flaky], looks: Looks) -> Iterator[str]:
    """The checks that change their minds."""
    yield from _section(
        "Flaky checks",
        looks,
        column("check", [each.check for each in there]),
        column("flips", [share_in_words(each.flips, "pair") for each in there]),
        column("second tries", [share_in_words(each.retries, "result") for each in there], spare=1),
    )


def candidate_lines(there: Sequence[Candidate], looks: Looks) -> Iterator[str]:
    """Alarms that may have been false."""
    yield from _section(
        "Perhaps false alarms",
        looks,
        column("run", [each.alarm.run_id for each in there]),
        column("ended (UTC)", [minute(each.alarm.finished_at) for each in there], spare=2),
        looks.verdicts([each.alarm.action for each in there]),
        column("version", [each.version for each in there], spare=1),
        column("overturned by", [each.overturned_by.run_id for each in there]),
    )
    if there:
        yield "Say what they were: smokegate history label RUN false-alarm, or true-alarm"


def _p95(tally: CheckTally | SuiteTally) -> str:
    return in_buckets(tally.p95, BUCKETS_S, tally.buckets)


def _section(title: str, looks: Looks, *columns: Column) -> Iterator[str]:
    """A table with a title; nothing without rows."""
    if not columns[0].cells:
        return
    yield ""
    yield from looks.title(title)
    yield from looks.table(*columns)
