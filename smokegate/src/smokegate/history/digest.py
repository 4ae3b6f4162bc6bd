"""All measures at once: of an environment, and of one check."""

from __future__ import annotations

from typing import TypedDict

import msgspec
from sqlalchemy import Connection, select

from smokegate.history import tables
from smokegate.history.alarms import Candidate, candidates, labelled
from smokegate.history.detection import DeploymentLine, Detection, deployments, detection
from smokegate.history.flakiness import Flaky, check_flips, flakiest
from smokegate.history.measures import FalseAlarms, Share
from smokegate.history.rows import moment
from smokegate.history.tallies import RunTally, Tally, runs_together, together
from smokegate.history.trends import (
    CheckTally,
    Day,
    EnvironmentTally,
    RunDay,
    SuiteTally,
    check_days,
    check_tallies,
    environment_tallies,
    run_days,
    slowest_first,
    suite_days,
    suite_tallies,
)
from smokegate.history.versions import RunVersionTally, VersionTally, check_versions, versions

_EVERY = 10_000  # more checks than anybody has


class _Within(TypedDict):
    """What questions are narrowed to."""

    environment: str
    since_ms: int


class Digest(msgspec.Struct, frozen=True, kw_only=True):
    """How an environment fares since a moment; all of them where `environment` is empty."""

    environment: str
    since: str
    whole: RunTally
    days: list[RunDay]
    environments: list[EnvironmentTally]
    suites: list[SuiteTally]
    versions: list[RunVersionTally]
    detection: Detection
    false_alarms: FalseAlarms
    candidates: list[Candidate]
    deployments: list[DeploymentLine]
    slowest: list[CheckTally]
    flakiest: list[Flaky]


class SuiteDigest(msgspec.Struct, frozen=True, kw_only=True):
    """How a suite fares since a moment; all its checks together."""

    suite: str
    environment: str
    since: str
    whole: Tally
    days: list[Day]
    deployments: list[DeploymentLine]
    slowest: list[CheckTally]
    flakiest: list[Flaky]


class CheckDigest(msgspec.Struct, frozen=True, kw_only=True):
    """How a check fares since a moment."""

    check: str
    title: str
    environment: str
    since: str
    whole: Tally
    days: list[Day]
    versions: list[VersionTally]
    flips: Share
    deployments: list[DeploymentLine]


def digest(
    connection: Connection, *, environment: str = "", since_ms: int = 0, limit: int = 5
) -> Digest:
    """The measures of an environment; its lists have so many entries, that of deployments 50."""
    there = _Within(environment=environment, since_ms=since_ms)
    days, tallies = run_days(connection, **there), check_tallies(connection, **there)
    return Digest(
        environment=environment,
        since=moment(since_ms),
        whole=runs_together(days),
        days=days,
        environments=[] if environment else environment_tallies(connection, since_ms=since_ms),
        suites=suite_tallies(tallies),
        versions=versions(connection, **there, limit=limit),
        detection=detection(connection, **there),
        false_alarms=labelled(connection, **there),
        candidates=candidates(connection, **there, limit=limit),
        deployments=deployments(connection, **there),
        slowest=slowest_first(tallies)[:limit],
        flakiest=flakiest(connection, **there, limit=limit),
    )


def suite_digest(
    connection: Connection, suite: str, *, environment: str = "", since_ms: int = 0, limit: int = 5
) -> SuiteDigest:
    """The measures of a suite; its lists have so many entries, that of deployments 50."""
    there = _Within(environment=environment, since_ms=since_ms)
    days, of_suite = suite_days(connection, suite, **there), f"{suite}."
    tallies = [
        each for each in check_tallies(connection, **there) if each.check.startswith(of_suite)
    ]
    flaky = flakiest(connection, **there, limit=_EVERY)
    return SuiteDigest(
        suite=suite,
        environment=environment,
        since=moment(since_ms),
        whole=together(days),
        days=days,
        deployments=deployments(connection, **there),
        slowest=slowest_first(tallies)[:limit],
        flakiest=[each for each in flaky if each.check.startswith(of_suite)][:limit],
    )


def check_digest(
    connection: Connection, check: str, *, environment: str = "", since_ms: int = 0
) -> CheckDigest:
    """The measures of a check; `check` is its id."""
    days = check_days(connection, check, environment=environment, since_ms=since_ms)
    there = tables.checks
    title = connection.scalar(select(there.c.title).where(there.c.check_id == check))
    return CheckDigest(
        check=check,
        title=title or "",
        environment=environment,
        since=moment(since_ms),
        whole=together(days),
        days=days,
        versions=check_versions(connection, check, environment=environment, since_ms=since_ms),
        flips=check_flips(connection, check, environment=environment, since_ms=since_ms),
        deployments=deployments(connection, environment=environment, since_ms=since_ms),
    )


def suites(connection: Connection) -> list[str]:
    """Every suite that ever had a result."""
    return sorted(connection.scalars(select(tables.checks.c.suite).distinct()))


def check_ids(connection: Connection, words: str) -> list[str]:
    """The ids of checks that have some words in them; one alone if it is the whole id or name."""
    there = sorted(connection.scalars(select(tables.checks.c.check_id)))
    whole = [each for each in there if words in (each, each.partition(".")[2])]
    return whole if len(whole) == 1 else [each for each in there if words in each]
