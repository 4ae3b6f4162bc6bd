"""Runs on a terminal: a list of them, and one with what did not hold in it."""

from __future__ import annotations

from collections.abc import Iterator

from smokegate.history.looks import (
    Looks,
    color_of_outcome,
    color_of_verdict,
    column,
    minute,
)
from smokegate.history.queries import FailureLine, Page, RememberedRun, RunLine
from smokegate.reports.escaping import one_line
from smokegate.reports.layout import Rows, labelled, paragraph
from smokegate.reports.pen import INDENT
from smokegate.reports.wording import SIGNS, counts_in_words, seconds
from smokegate.results import Counts, Outcome

_SLOWEST = 5


def list_lines(page: Page, looks: Looks) -> Iterator[str]:
    """A table of runs, and how to see more of them."""
    there = page.runs
    yield from looks.table(
        column("run", [each.run_id for each in there]),
        column("began (UTC)", [minute(each.started_at) for each in there]),
        column("environment", [each.environment for each in there], spare=1),
        column("version", [each.version for each in there], spare=2),
        looks.verdicts([_verdict(each) for each in there]),
        column("passed", [_passed(each) for each in there], spare=3),
        column("took", [seconds(each.duration_s) for each in there], spare=4),
        column("label", [each.label for each in there]),
    )
    if page.next_before:
        yield ""
        yield f"There are older ones: --before {one_line(page.next_before)}"


def run_lines(found: RememberedRun, looks: Looks) -> Iterator[str]:
    """A run: its verdict, its facts, its checks, and its slowest requests."""
    run = found.run
    words = f"{_verdict(run).upper()}: {one_line(run.reason)}"
    yield from looks.title(words, color_of_verdict(run.action))
    yield from labelled(_facts(found), width=looks.width, indent=INDENT)
    yield ""
    yield from looks.title("Checks")
    yield from _checks(found, looks)
    slowest = sorted(found.exchanges, key=lambda each: -each.total_s)[:_SLOWEST]
    if slowest:
        yield ""
        yield from looks.title("Slowest requests")
    for each in slowest:
        status = "no reply" if each.status is None else f"{each.status}"
        request = one_line(f"{each.method} {each.path}: {status}, {each.owner}")
        yield f"{INDENT}{seconds(each.total_s):>8}  {request}"


def _facts(found: RememberedRun) -> Rows:
    run = found.run
    deciding = ", ".join(found.deciding)
    began = run.started_at.replace("T", " ").removesuffix("Z")
    rows = [
        ("run", ", ".join(filter(None, [run.run_id, found.tool]))),
        ("target", run.target),
        ("version", run.version or "not known"),
        ("environment", run.environment),
        ("began", f"{began} UTC, took {seconds(run.duration_s)}"),
        ("requests", f"{run.requests:,}"),
        ("checks", _counts(run)),
        ("decided by", ": ".join(filter(None, [run.rule, deciding]))),
        ("label", ": ".join(filter(None, [run.label, found.note]))),
        ("labelled by", found.author),
    ]
    return [(label, one_line(text)) for label, text in rows if text]


def _checks(found: RememberedRun, looks: Looks) -> Iterator[str]:
    wide = max((len(one_line(each.check)) for each in found.results), default=0)
    for each in found.results:
        remark = " (flaky)" if each.flaky else ""
        text = f"{one_line(each.check):<{wide}}  {each.outcome}{remark}, {seconds(each.duration_s)}"
        sign = looks.paint(SIGNS[Outcome(each.outcome)], color_of_outcome(each.outcome))
        yield f"{INDENT}{sign} {text}"
        for failure in found.failures:
            if failure.check == each.check:
                yield from paragraph(_failure(failure), width=looks.width, indent=INDENT * 3)


def _failure(failure: FailureLine) -> str:
    where = f" ({one_line(failure.request)})" if failure.request else ""
    again = f"try {failure.attempt}: " if failure.attempt > 1 else ""
    return f"{again}{one_line(failure.demand)}, but was {one_line(failure.seen)}{where}"


def _verdict(run: RunLine) -> str:
    return run.action + " (partial)" * run.partial


def _passed(run: RunLine) -> str:
    passed = run.passed + run.warned
    return f"{passed} of {passed + run.failed + run.blocked + run.unknown}"


def _counts(run: RunLine) -> str:
    names = ("passed", "warned", "failed", "blocked", "unknown", "skipped", "flaky")
    counts = {name: getattr(run, name) for name in names}
    return counts_in_words(Counts(**counts, workflows_passed=0, workflows_applicable=0))
