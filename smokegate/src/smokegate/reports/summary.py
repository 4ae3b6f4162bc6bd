"""The summary for people: the verdict first, then what it stands on."""

from __future__ import annotations

from collections.abc import Iterator

from smokegate.reports.causes import Shared, shared_causes
from smokegate.reports.details import details
from smokegate.reports.escaping import no_command, one_line, visible
from smokegate.reports.layout import Rows, labelled, paragraph
from smokegate.reports.locations import locations_in_words
from smokegate.reports.meaning import baseline_in_words, meaning
from smokegate.reports.traffic import slowest, traffic
from smokegate.reports.wording import (
    SIGNS,
    counts_in_words,
    names_of,
    remarks,
    seconds,
    several,
    verdict_line,
    what_to_do,
    workflows_in_words,
)
from smokegate.results import CheckResult, JudgedRun, Outcome


def summary(run: JudgedRun) -> str:
    """Write the summary of a run as plain text; nothing of what the target sent can act."""
    sections = [_verdict(run), labelled(_facts(run)), *_checks(run), _failures(run)]
    sections += [_slowest(run), _listed("Left behind", run.leftovers), _listed("Notes", run.notes)]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _verdict(run: JudgedRun) -> list[str]:
    return [*paragraph(verdict_line(run), hanging="  "), *paragraph(what_to_do(run))]


def _facts(run: JudgedRun) -> Rows:
    counts = run.verdict.counts
    started = run.started_at.partition(".")[0].replace("T", " ").removesuffix("Z")
    rows = [
        ("target", one_line(run.target)),
        ("version", one_line(run.version) or "not known"),
        ("environment", one_line(run.environment)),
        *(("from", words) for words in locations_in_words(run)),
        ("checks", counts_in_words(counts)),
        ("workflows", workflows_in_words(counts) or "none that apply"),
        ("baseline", baseline_in_words(run)),
        ("decided by", ": ".join(filter(None, [run.verdict.rule, _deciding(run)]))),
        ("started", f"{started} UTC, took {seconds(run.duration_s)}"),
        ("traffic", traffic(run).in_words()),
        ("run", ", ".join(filter(None, [run.run_id, run.tool, _seal(run)]))),
    ]
    return [row for row in rows if row[1]]


def _seal(run: JudgedRun) -> str:
    return f"seal {run.seal.short}" if run.seal else ""


def _deciding(run: JudgedRun) -> str:
    shown = run.verdict.deciding[:8]
    more = len(run.verdict.deciding) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _checks(run: JudgedRun) -> Iterator[list[str]]:
    """Give a section for each suite, the missing ones included."""
    missing = {each.suite: each.reason for each in run.missing_suites}
    for suite in dict.fromkeys([*(check.suite for check in run.everything), *missing]):
        lines = [one_line(suite).capitalize()]
        checks = [check for check in run.everything if check.suite == suite]
        column = max((len(check.name) for check in checks), default=0)
        for check in checks:
            lines += _check(check, column, run.started_at)
        if suite in missing:
            lines += paragraph(f"? missing: {missing[suite]}", indent="  ", hanging="  ")
        yield lines


def _check(check: CheckResult, column: int, moment: str) -> list[str]:
    words = [f"{SIGNS[check.outcome]} {check.name:<{column}}", one_line(check.title)]
    head = "  ".join(["", *filter(None, words), f"({', '.join(remarks(check, moment))})"])
    lines = [no_command(head)]
    for reason in [*_mild_reasons(check), *check.remarks]:
        lines += paragraph(one_line(reason, 1_000), indent="      ")
    return lines


def _mild_reasons(check: CheckResult) -> list[str]:
    """What there is to say about a check that has no place among the failures."""
    if check.outcome is Outcome.WARNED:
        return check.warnings or [check.reason]
    return [check.reason] if check.outcome is Outcome.SKIPPED else []


def _failures(run: JudgedRun) -> list[str]:
    causes = shared_causes(run)
    lines = []
    for number, shared in enumerate(causes, 1):
        lines += ["", *_failure(number, shared, run)]
    return [f"What did not pass: {several(len(causes), 'cause')}", *lines] if causes else []


def _failure(number: int, shared: Shared, run: JudgedRun) -> list[str]:
    check, cause = shared.checks[0], shared.cause
    rows: Rows = [("means", meaning(shared.checks, run))]
    if len(shared.checks) > 1:
        head = cause.summary
        rows.insert(0, (several(len(shared.checks), "check"), names_of(shared.checks, run)))
    else:
        head = check.id
        # What failed on an expectation is told by the rows of its evidence.
        if check.blocked_by or not cause.expectations:
            rows.append(("reason", one_line(check.reason, 1_000)))
    rows += details(cause, check)
    head = f"{number}. {SIGNS[shared.outcome]} {one_line(head, 1_000)}"
    lines = paragraph(head, indent="  ", hanging="   ")
    lines += labelled(rows, indent="     ")
    if cause.attempt is not None and cause.attempt.traceback:
        lines += _indented(cause.attempt.traceback)
    return lines


def _indented(text: str) -> list[str]:
    return [no_command(f"     | {line}") for line in visible(text.rstrip()).split("\n")]


def _slowest(run: JudgedRun) -> list[str]:
    checks = slowest(run)
    lines = [f"  {seconds(check.duration_s):>8}  {check.id}" for check in checks]
    return ["Slowest checks", *lines] if checks else []


def _listed(title: str, entries: list[str]) -> list[str]:
    lines = []
    for entry in entries:
        lines += paragraph(f"- {one_line(entry, 1_000)}", indent="  ", hanging="  ")
    return [title, *lines] if lines else []
