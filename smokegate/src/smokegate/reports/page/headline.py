"""What a reader wants first: the verdict, why, and what to do; then what was verified."""

from __future__ import annotations

from collections.abc import Iterator

from smokegate.reports.meaning import baseline_in_words
from smokegate.reports.page.entries import anchor
from smokegate.reports.page.markup import Markup, element, joined
from smokegate.reports.traffic import traffic
from smokegate.reports.wording import (
    seconds,
    several,
    verdict_name,
    what_to_do,
    workflows_in_words,
)
from smokegate.results import Action, CheckResult, JudgedRun, Outcome

_MOST_CELLS = 400
_COLORS = {
    Action.PROCEED: "1d7a58",
    Action.MONITOR: "2f9470",
    Action.INVESTIGATE: "94610f",
    Action.INCONCLUSIVE: "868e97",
    Action.ROLLBACK: "c42b2b",
}


def headline(run: JudgedRun) -> Markup:
    """The verdict with its reason, every check as a cell of its colour, and the facts."""
    action = run.verdict.action
    return joined(
        element("p", f"smokegate run {run.run_id}", class_="eyebrow"),
        element("p", run.target, class_="target"),
        element("h1", verdict_name(run), class_=f"verdict {action.value}"),
        element("p", run.verdict.reason, class_="why"),
        element("p", what_to_do(run), class_="to-do"),
        _strips(run),
        _counts(run),
        element("dl", *(_fact(*each) for each in _facts(run)), class_="facts"),
    )


def title(run: JudgedRun) -> Markup:
    """What a tab of a browser shows."""
    return joined(f"{verdict_name(run)}: {run.target}, {_moment(run.started_at)}")


def icon(run: JudgedRun) -> str:
    """A disc in the colour of the verdict, as the address of a picture."""
    return icon_of(run.verdict.action)


def icon_of(action: Action) -> str:
    """A disc in the colour of an action, as the address of a picture."""
    return (
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
        f"%3Ccircle cx='8' cy='8' r='7' fill='%23{_COLORS[action]}'/%3E%3C/svg%3E"
    )


def _strips(run: JudgedRun) -> Markup:
    if len(run.everything) > _MOST_CELLS:
        return Markup()
    suites = dict.fromkeys(check.suite for check in [*run.checks, *run.probes])
    strips = [_strip(each, [c for c in run.everything if c.suite == each]) for each in suites]
    return element("div", *strips, class_="strips", aria_hidden="true")


def _strip(suite: str, checks: list[CheckResult]) -> Markup:
    cells = [
        element(
            "a",
            class_=f"cell {check.outcome.value}",
            href=f"#{anchor(check)}",
            title=f"{check.id}: {check.outcome.value}",
            tabindex="-1",
        )
        for check in checks
    ]
    name = "probes" if suite == "run" else suite
    return element("div", element("span", name), element("div", *cells), class_="strip")


def _counts(run: JudgedRun) -> Markup:
    outcomes = [check.outcome for check in run.checks]
    items = [
        element("li", element("span", class_=f"key {outcome.value}"), f"{number} {outcome.value}")
        for outcome in Outcome
        if (number := outcomes.count(outcome))
    ]
    if run.verdict.counts.flaky:
        items.append(element("li", f"{run.verdict.counts.flaky} flaky"))
    return element("ul", *items, class_="keys")


def _fact(name: str, value: str) -> Markup:
    return element("div", element("dt", name), element("dd", value, class_="isolated break"))


def _facts(run: JudgedRun) -> Iterator[tuple[str, str]]:
    asked = traffic(run)
    requests = several(asked.requests, "request"), several(asked.connections, "connection")
    told = {
        "Version": run.version or "not known",
        "Environment": run.environment,
        "Began": _moment(run.started_at),
        "Took": seconds(run.duration_s),
        "Workflows": workflows_in_words(run.verdict.counts) or "none that apply",
        "Decided by": run.verdict.rule,
        "Traffic": ", ".join(requests),
        "Control run": baseline_in_words(run),
        "Seal": seal_in_words(run),
    }
    return (each for each in told.items() if each[1])


def seal_in_words(run: JudgedRun) -> str:
    """The beginning of the seal, to compare by eye, and whether it is signed; empty without one."""
    if run.seal is None:
        return ""
    return run.seal.short + (", signed" if run.seal.signature else ", not signed")


def _moment(moment: str) -> str:
    return moment.partition(".")[0].replace("T", " ").removesuffix("Z") + " UTC"
