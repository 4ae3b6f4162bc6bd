"""One environment, or all of them: what was deployed and judged, and how its checks fare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

from smokegate.history.alarms import Candidate, candidates, labelled
from smokegate.history.detection import DeploymentLine, Detection, deployments, detection
from smokegate.history.flakiness import Flaky, flakiest
from smokegate.history.in_words import quantile_in_words
from smokegate.history.measures import FalseAlarms
from smokegate.history.open_alarms import open_alarms
from smokegate.history.outcomes import outcomes
from smokegate.history.queries import RunLine, runs
from smokegate.history.tables import RUN_BUCKETS_S
from smokegate.history.tallies import runs_together, together
from smokegate.history.trends import (
    CheckTally,
    Day,
    RunDay,
    check_tallies,
    run_days,
    slowest_first,
    suite_days,
)
from smokegate.history.versions import RunVersionTally, versions
from smokegate.reports.page import Section
from smokegate.reports.page.markup import Markup, element, joined
from smokegate.reports.wording import several
from smokegate.service.access.visitors import Visitor
from smokegate.service.asked import Part, Question, read_known
from smokegate.service.pages import alarms, calendars, charts, heat_map, lists, trends
from smokegate.service.pages.calendars import Calendar
from smokegate.service.pages.frame import Content, choices, day_choices
from smokegate.service.pages.trends import Trend
from smokegate.service.pages.words import (
    Query,
    age,
    fact,
    facts,
    href,
    quantile,
    run_link,
    share,
    suite_name,
    verdict,
    version_of,
)

_RUNS = 30
_LISTED = 8
_CANDIDATES = 50
_VERSIONS = 50
_ALL = 10_000


class _Found(NamedTuple):
    """What the history knows of some days of an environment."""

    asked: Part
    days: Calendar
    newest: list[RunLine]
    outcomes: dict[str, dict[str, str]]
    run_days: list[RunDay]
    suite_days: list[Day]
    checks: list[CheckTally]
    flaky: list[Flaky]
    deployments: list[DeploymentLine]
    versions: list[RunVersionTally]
    detection: Detection
    open_alarms: list[RunLine]
    candidates: list[Candidate]
    worth: FalseAlarms

    @property
    def where(self) -> str:
        """The environment in words."""
        return self.asked.environment or "every environment"

    @property
    def query(self) -> Query:
        """The parameters of this page."""
        asked = self.asked
        return {"environment": asked.environment, "suite": asked.suite, "days": asked.days}


def page(question: Question, given: Mapping[str, str]) -> Content:
    """The page of an environment; it can be narrowed to a suite and some days."""
    found = _find(question, read_known(Part, given))
    return Content(
        title=found.where,
        head=joined(_headline(found, question.now_ms), _facts(found), _choices(found)),
        sections=list(_sections(found, question.visitor)),
        verdict=found.newest[0].action if found.newest else "",
        data=href("api/trends", environment=found.asked.environment, days=found.asked.days),
    )


def _find(question: Question, asked: Part) -> _Found:
    there, since_ms = question.connection, asked.since_ms(question.now_ms)
    environment, suite = asked.environment, asked.suite
    newest = runs(there, environment=environment, limit=_RUNS).runs
    return _Found(
        asked,
        calendars.columns(since_ms, question.now_ms),
        newest,
        outcomes(there, [each.run_id for each in newest], suite=suite),
        run_days(there, environment=environment, since_ms=since_ms),
        suite_days(there, suite, environment=environment, since_ms=since_ms) if suite else [],
        check_tallies(there, environment=environment, since_ms=since_ms),
        flakiest(there, environment=environment, since_ms=since_ms, limit=_ALL),
        deployments(there, environment=environment, since_ms=since_ms),
        versions(there, environment=environment, since_ms=since_ms, limit=_VERSIONS),
        detection(there, environment=environment, since_ms=since_ms),
        open_alarms(there, environment=environment, since_ms=since_ms, limit=_LISTED),
        candidates(there, environment=environment, since_ms=since_ms, limit=_CANDIDATES),
        labelled(there, environment=environment, since_ms=since_ms),
    )


def _headline(found: _Found, now_ms: int) -> Markup:
    eyebrow = element("p", "environment", class_="eyebrow")
    name = element("h1", found.where, class_="verdict name")
    if not found.newest:
        return joined(eyebrow, name, element("p", "No run of it is remembered.", class_="why"))
    newest = found.newest[0]
    run = run_link(newest.run_id, f"run {newest.run_id}")
    now = verdict(newest.action, partial=newest.partial)
    when = f", {age(newest.started_at, now_ms)}, {version_of(newest.version)}"
    head = element("p", now, " in ", run, when, class_="now")
    return joined(eyebrow, name, head, element("p", newest.reason, class_="why"))


def _facts(found: _Found) -> Markup:
    whole = runs_together(found.run_days)
    p50, p95 = (quantile(each, RUN_BUCKETS_S, whole.buckets) for each in (whole.p50, whole.p95))
    return facts(
        fact("Gate opened", share(whole.opened, "run")),
        fact("Checks passed", share(whole.pass_rate, "result")),
        fact("A run takes, p50", p50),
        fact("p95", p95),
        fact("Deployment to alarm", *_detected(found.detection)),
        fact("False alarms", share(found.worth.share, "labelled alarm")),
    )


def _detected(found: Detection) -> Iterator[Markup]:
    value, _, interval = quantile_in_words(found.median).partition(" (")
    known = f"({interval} " if found.median.low_s is not None else ""
    of_all = f"after {found.detected.part} of {several(found.detected.total, 'deployment')}"
    yield element("b", value if found.detected.part else "-")
    yield element("span", known + of_all, class_="about")


def _choices(found: _Found) -> Markup:
    asked = found.asked
    suites = ["", *sorted({each.check.partition(".")[0] for each in found.checks})]
    address = partial(href, "environment", environment=asked.environment, days=asked.days)
    links = ((suite_name(each), address(suite=each), each == asked.suite) for each in suites)
    days = day_choices("environment", asked.days, environment=asked.environment, suite=asked.suite)
    return element("div", choices("Suite", links), days, class_="filters")


def _sections(found: _Found, visitor: Visitor) -> Iterator[Section]:
    environment, days = found.asked.environment, found.asked.days
    yield Section("timeline", "Timeline", "Deployments and verdicts", _timeline(found))
    yield Section("runs", "Run by run", "Checks, run by run", _heat_map(found))
    yield Section("trends", "Trends", "Trends", _trends(found))
    flaky = [each for each in found.flaky if _is_of(each.check, found)][:_LISTED]
    slow = slowest_first([each for each in found.checks if _is_of(each.check, found)])[:_LISTED]
    both = lists.flaky(flaky, environment, days), lists.slow(slow, environment, days)
    checks = element("div", *both, class_="charts")
    yield Section("checks", "Checks", "Checks that are flaky or slow", checks)
    soon = lists.deployments(found.deployments, found.detection, found.versions)
    yield Section("detection", "Detection", "From deployment to alarm", soon)
    yield Section("alarms", "Alarms", "Alarms and what they were worth", _alarms(found, visitor))


def _is_of(check: str, found: _Found) -> bool:
    return found.asked.suite in ("", check.partition(".")[0])


def _timeline(found: _Found) -> Markup:
    if not found.run_days:
        return Markup()
    of_runs = found.days.sorted_in(found.run_days, lambda each: each.day)
    columns = [runs_together(some).verdicts for some in of_runs]
    words = ", ".join(f"{total} {name}" for name, total in charts.totals(columns).items())
    marks = charts.places(found.deployments, found.days)
    deployed = zip(marks, (each.version for each in found.deployments), strict=True)
    return charts.chart(
        f"Runs by {_each(found.days)}, and the versions that were deployed",
        [f"{max(sum(each.values()) for each in columns):,}", "0"],
        charts.labels(deployed, "versions"),
        charts.bars(columns, label=f"Verdicts by day: {words}.", marks=marks),
        charts.day_axis(found.days),
        keys=charts.keys_of(columns),
    )


def _each(days: Calendar) -> str:
    return "day" if days.days_each == 1 else f"{days.days_each} days"


def _heat_map(found: _Found) -> Markup:
    if not found.outcomes:
        return Markup()
    oldest_first = found.newest[::-1]
    environment, days = found.asked.environment, found.asked.days
    return heat_map.heat_map(oldest_first, found.outcomes, environment=environment, days=days)


def _trends(found: _Found) -> Markup:
    if found.asked.suite:
        by_column = found.days.sorted_in(found.suite_days, lambda each: each.day)
        trend = Trend(found.days, found.deployments, [together(each) for each in by_column])
        what, noun = f"of the suite {found.asked.suite} by day", "results"
    else:
        of_runs = found.days.sorted_in(found.run_days, lambda each: each.day)
        tallies = [runs_together(each) for each in of_runs]
        trend = Trend(found.days, found.deployments, tallies, found.versions)
        what, noun = "of runs by day", "runs"
    return trends.pictures(trend, what, noun)


def _alarms(found: _Found, visitor: Visitor) -> Markup:
    known = {each.alarm.run_id: each for each in found.candidates}
    back = href("environment", **found.query) + "#alarms"
    waiting = alarms.waiting(found.open_alarms, visitor, back=back, candidates=known)
    return joined(alarms.worth(found.worth), waiting)
