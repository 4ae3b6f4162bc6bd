"""Which checks are flaky and which are slow, and how soon deployments raised an alarm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smokegate.history.detection import DeploymentLine, Detection
from smokegate.history.first_runs import RunMark
from smokegate.history.flakiness import Flaky
from smokegate.history.in_words import quantile_in_words, span
from smokegate.history.tables import BUCKETS_S
from smokegate.history.trends import CheckTally
from smokegate.history.versions import RunVersionTally
from smokegate.reports.page.markup import Markup, element, joined, table
from smokegate.reports.wording import several
from smokegate.service.pages.words import (
    SOURCES,
    cell,
    check_link,
    href,
    minute,
    quantile,
    share,
    short,
    verdict,
)

_DEPLOYMENTS = 12
_DEPLOYED_HEAD = (
    "version",
    "deployed",
    "known by",
    "environment",
    "first verdict",
    "alarm",
    "what changed",
)


def flaky(there: Iterable[Flaky], environment: str, days: int) -> Markup:
    """Checks that change their minds while nothing changes, the worst first."""
    rows = [
        element(
            "tr",
            cell("check", check_link(each.check, environment, days), class_="id"),
            cell("flips", share(each.flips, "pair")),
            cell("second tries", share(each.retries, "result")),
        )
        for each in there
    ]
    nothing = element("p", "No check changed its mind while nothing changed.", class_="soft")
    listed = table(("check", "flips", "second tries"), rows) if rows else nothing
    return element("div", element("h3", "Flakiest"), listed)


def slow(there: Iterable[CheckTally], environment: str, days: int) -> Markup:
    """Checks by their p95, the slowest first."""
    rows = [
        element(
            "tr",
            cell("check", check_link(each.check, environment, days), class_="id"),
            cell("p95", quantile(each.p95, BUCKETS_S, each.buckets)),
            cell("p50", quantile(each.p50, BUCKETS_S, each.buckets)),
        )
        for each in there
    ]
    nothing = element("p", "No check had a result.", class_="soft")
    listed = table(("check", "p95", "p50"), rows) if rows else nothing
    return element("div", element("h3", "Slowest"), listed)


def deployments(
    there: Sequence[DeploymentLine], found: Detection, versions: Iterable[RunVersionTally]
) -> Markup:
    """The newest deployments with what came of them, after how soon alarms came."""
    if not there:
        return element("p", "No deployment is known of.", class_="soft")
    shown = there[:_DEPLOYMENTS]
    more = f"The last {len(shown)} of them:" if len(shown) < found.detected.total else ""
    changes = {(each.environment, each.version): each.changes for each in versions}
    rows = (_deployment(each, changes.get((each.environment, each.version), [])) for each in shown)
    words = element("p", _detection(found), " ", more, class_="lead")
    return joined(words, table(_DEPLOYED_HEAD, rows))


def _detection(found: Detection) -> str:
    of_all = several(found.detected.total, "deployment")
    if not found.detected.part:
        return f"None of {of_all} raised an alarm."
    median = quantile_in_words(found.median)
    return f"{found.detected.part} of {of_all} raised an alarm; the median time to it was {median}."


def _deployment(each: DeploymentLine, changes: Iterable[str]) -> Markup:
    after = f"after {span(each.detected_after_s)}" if each.detected_after_s is not None else "none"
    return element(
        "tr",
        cell("version", short(each.version), class_="break"),
        cell("deployed", minute(each.deployed_at), class_="when"),
        cell("known by", SOURCES.get(each.source, each.source)),
        cell("environment", short(each.environment)),
        cell("first verdict", _mark(each.first) if each.first else "-"),
        cell("alarm", after, " ", _mark(each.closing) if each.closing else ""),
        cell("changed", ", ".join(changes)),
    )


def _mark(run: RunMark) -> Markup:
    return element("a", verdict(run.action), href=href("run", id=run.run_id))
