"""What there is to tell of an incident: plain, without secrets, and the same for every channel."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from smokegate.reports.causes import Shared, shared_causes
from smokegate.reports.escaping import one_line
from smokegate.reports.last_good import LastGood, changes_in_words
from smokegate.reports.wording import several, verdict_line, what_to_do
from smokegate.results import Action, JudgedRun
from smokegate.settings import Settings

_MOST_CAUSES = 5
_NAMED_CHECKS = 3
_CAUSE_CHARS = 300
_TITLE_CHARS = 1_000
VERSION_CHARS = 200
# Where the systems that start runs say under which address their own page of it is.
_CI_PAGES = ("CI_JOB_URL", "BUILD_URL")


class Kind(Enum):
    """What a notice is about."""

    OPENED = "opened"  # an incident, to a channel that has not heard of it
    WORSE = "worse"
    STILL = "still"  # a reminder
    RESOLVED = "resolved"
    DEPLOYED = "deployed"  # another version is served
    TEST = "test"


class Link(NamedTuple):
    """An address to look at, and what is there."""

    text: str
    url: str


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell; it is kept as JSON until every channel has it.

    `id` stays the same however often it is sent, `key` as long as the target, its environment and
    the suites are the same, `incident` as long as the incident goes on.
    """

    id: str
    kind: Kind
    key: str
    incident: str
    moment: str
    since: str
    bad_runs: int
    action: Action
    title: str
    to_do: str
    environment: str
    target: str
    version: str
    version_before: str
    run_id: str
    suites: list[str]
    causes: list[str] = []
    change: str = ""
    links: list[Link] = []


class Circumstances(NamedTuple):
    """What a notice tells besides its run."""

    key: str
    since: str
    bad_runs: int
    version_before: str


def notice_of(
    kind: Kind, run: JudgedRun, around: Circumstances, settings: Settings, before: LastGood | None
) -> Notice:
    """What is told of a run, on one visible line each."""
    is_bad = kind in (Kind.OPENED, Kind.WORSE, Kind.STILL)
    return Notice(
        id=secrets.token_hex(16),
        kind=kind,
        key=around.key,
        incident=f"{around.key}-{around.since}",
        moment=run.finished_at,
        since=around.since,
        bad_runs=around.bad_runs,
        action=run.verdict.action,
        title=one_line(verdict_line(run), _TITLE_CHARS),
        to_do=what_to_do(run),
        environment=one_line(run.environment, VERSION_CHARS),
        target=one_line(run.target),
        version=one_line(run.version, VERSION_CHARS),
        version_before=one_line(around.version_before, VERSION_CHARS),
        run_id=run.run_id,
        suites=suites_of(run),
        causes=list(_causes(run)) if is_bad else [],
        change=one_line(changes_in_words(run, before), _TITLE_CHARS) if before and is_bad else "",
        links=list(_links(run, settings, os.environ)),
    )


def suites_of(run: JudgedRun) -> list[str]:
    """The names of the suites that a run is about, those without an answer included."""
    missing = {each.suite for each in run.missing_suites}
    return sorted({*run.suites, *missing} - {"run"})  # the probes are there always


def _causes(run: JudgedRun) -> Iterator[str]:
    causes = shared_causes(run)
    for shared in causes[:_MOST_CAUSES]:
        yield one_line(f"{_whose(shared)}: {shared.cause.summary}", _CAUSE_CHARS)
    if len(causes) > _MOST_CAUSES:
        yield f"and {several(len(causes) - _MOST_CAUSES, 'more cause')}"


def _whose(shared: Shared) -> str:
    names = [check.id for check in shared.checks]
    if len(names) <= _NAMED_CHECKS:
        return ", ".join(names)
    return f"{several(len(names), 'check')} ({', '.join(names[:_NAMED_CHECKS])} ...)"


def _links(run: JudgedRun, settings: Settings, environ: Mapping[str, str]) -> Iterator[Link]:
    if settings.dashboard_url:
        page = f"{settings.dashboard_url.rstrip('/')}/run?id={quote(run.run_id)}"
        yield Link("the run on the dashboard", page)
    parts = [environ.get(f"GITHUB_{each}", "") for each in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    pages = [environ.get(each, "") for each in _CI_PAGES]
    if all(parts):
        pages.append("{}/{}/actions/runs/{}".format(*parts))
    for page in pages:
        if page.startswith(("https://", "http://")) and page.isprintable() and " " not in page:
            yield Link("the job that ran it", page)
            return
