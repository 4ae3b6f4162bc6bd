"""What changed: the run beside the control run before the deployment, and its response times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from smokegate import baseline
from smokegate.comparison import FEWEST, compare
from smokegate.reports.meaning import baseline_in_words
from smokegate.reports.page.entries import link, sign
from smokegate.reports.page.markup import Markup, element, joined, table
from smokegate.reports.page.timeline import Scale, drawing
from smokegate.results import Baseline, CheckResult, JudgedRun, Outcome

_ROWS = 100
_KEY_CHARS = 300
_DRAWN = 200


class Times(NamedTuple):
    """What was measured in this run and in good ones before, in seconds, each sorted."""

    name: str
    now_s: list[float]
    before_s: list[float]


def compared(run: JudgedRun) -> Markup:
    """The comparison with the run before the deployment; nothing without one."""
    before = run.baseline
    if before is None:
        return Markup()
    lead = element("p", f"With {baseline_in_words(run)}.", class_="lead")
    if before.unusable:
        return joined(lead, element("p", f"It is not compared with: {before.unusable}."))
    changed = [each for each in run.everything if _is_telling(each, before)]
    nothing = "Nothing failed before, and nothing does now."
    rows = [_row(each, before, run) for each in changed[:_ROWS]]
    head = ("check", "before", "now", "")
    shown = table(head, rows) if rows else element("p", nothing)
    return joined(lead, shown, _all_times(run))


def _is_telling(check: CheckResult, before: Baseline) -> bool:
    is_gone = check.outcome is Outcome.SKIPPED and check.id in before.applied
    return check.outcome.fails or check.id in before.failed or is_gone


def _row(check: CheckResult, before: Baseline, run: JudgedRun) -> Markup:
    return element(
        "tr",
        element("td", link(check)),
        element("td", _before(check, before), class_="then"),
        element("td", sign(check.outcome), check.outcome.value, class_="now"),
        element("td", _change(check, before, run)),
    )


def _before(check: CheckResult, before: Baseline) -> str:
    keys = before.failed.get(check.id, [])
    if keys:
        return f"failed: {keys[0][:_KEY_CHARS]}" + (
            f" (and {len(keys) - 1} more)" if len(keys) > 1 else ""
        )
    return "passed" if check.id in before.applied else "gave no answer"


def _change(check: CheckResult, before: Baseline, run: JudgedRun) -> str:
    if check.outcome.fails:
        keys = set().union(*baseline.failures(check, run.resources).values())
        if baseline.failed_before(check, keys, run):
            return "the same as before"
        return "fails in another way" if check.id in before.failed else "new"
    if check.outcome is Outcome.SKIPPED:
        return "no longer applies"
    return "fails no more" if check.outcome.passes else ""


def _all_times(run: JudgedRun) -> Markup:
    measured = list(_measured(run))
    if not measured:
        return Markup()
    head = ("measured", "", "now", "before", "")
    return joined(element("h3", "Response times"), table(head, map(_times, measured)))


def _measured(run: JudgedRun) -> Iterator[Times]:
    for check in run.everything:
        for name, now_s in check.samples.items():
            before_s = [time_s for each in run.earlier_samples.get(name, []) for time_s in each]
            if now_s and before_s:
                yield Times(name, sorted(now_s), sorted(before_s))


def _times(times: Times) -> Markup:
    found = compare(times.now_s, times.before_s)
    words = "slower" if found.is_slower else "not slower"
    if min(len(times.now_s), len(times.before_s)) < FEWEST:
        words = "too few to tell"
    return element(
        "tr",
        element("td", times.name),
        element("td", _ticks(times), class_="wide-bar"),
        element("td", _in_words(times.now_s), class_="now"),
        element("td", _in_words(times.before_s), class_="then"),
        element("td", words),
    )


def _ticks(times: Times) -> Markup:
    """Every time as a mark, those before above those now."""
    scale = Scale(0.0, max(times.now_s[-1], times.before_s[-1]))
    marks = [
        scale.merged(kind, [(each, each) for each in values[:: len(values) // _DRAWN + 1]])
        for kind, values in (("then", times.before_s), ("now", times.now_s))
    ]
    return drawing(*marks, kind="ticks")


def _in_words(times_s: list[float]) -> str:
    middle, late = times_s[len(times_s) // 2], times_s[int(len(times_s) * 0.95)]
    return f"{middle * 1000:.1f} ms, p95 {late * 1000:.1f} ms of {len(times_s)}"
