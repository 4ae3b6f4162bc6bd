"""The words for verdicts, outcomes, counts and durations, the same in every outlet."""

from __future__ import annotations

from smokegate.reports.escaping import one_line
from smokegate.results import Action, CheckResult, Counts, JudgedRun, Outcome

SIGNS = {
    Outcome.PASSED: "✓",
    Outcome.WARNED: "⚠",
    Outcome.FAILED: "✗",
    Outcome.BLOCKED: "✗",
    Outcome.UNKNOWN: "?",
    Outcome.SKIPPED: "-",
}
NOT_PASSED = frozenset({Outcome.FAILED, Outcome.BLOCKED, Outcome.UNKNOWN})
_TO_DO = {
    Action.PROCEED: "Go on with the release.",
    Action.MONITOR: "Go on with the release, and watch what did not pass.",
    Action.INVESTIGATE: (
        "Do not go on yet: look into what did not pass. Nothing calls for a rollback so far."
    ),
    Action.ROLLBACK: "Roll the release back.",
    Action.INCONCLUSIVE: (
        "There is no verdict, so do not go on. Remove what kept the checks from an answer, then "
        "run again."
    ),
}
_TENTHS_FROM_S = 10
_MINUTES_FROM_S = 100


def verdict_line(run: JudgedRun) -> str:
    """Give the verdict with its reason in one line, and say so where the run was partial."""
    return f"{verdict_name(run)}: {one_line(run.verdict.reason)}"


def verdict_name(run: JudgedRun) -> str:
    """Give the verdict in a word, and say so where the run was partial."""
    partial = " (partial)" if run.partial or run.verdict.partial else ""
    return run.verdict.action.name + partial


def what_to_do(run: JudgedRun) -> str:
    """Say what to do next, in a sentence or two."""
    if run.interrupted:
        words = "There is no verdict, so do not go on: run again."
    else:
        words = _TO_DO[run.verdict.action]
    if run.verdict.mitigated and run.verdict.action is Action.INVESTIGATE:
        words = "Do not go on yet: look into what did not pass. Rolling back would not cure it."
    if run.partial or run.verdict.partial:
        words += " Only a part of the checks was selected: this says nothing about the rest."
    return words


def counts_in_words(counts: Counts) -> str:
    """Say how many checks ended how; outcomes that did not occur are left out."""
    numbers = {
        "passed": counts.passed,
        "warned": counts.warned,
        "failed": counts.failed,
        "blocked": counts.blocked,
        "unknown": counts.unknown,
        "skipped": counts.skipped,
    }
    words = ", ".join(f"{number} {word}" for word, number in numbers.items() if number)
    flaky = f" ({counts.flaky} flaky)" if counts.flaky else ""
    return (words or "no checks") + flaky


def workflows_in_words(counts: Counts) -> str:
    """Say which share of the workflows passed, or nothing where none applies."""
    passed, applicable = counts.workflows_passed, counts.workflows_applicable
    return f"{passed} of {applicable} ({passed / applicable:.0%})" if applicable else ""


def remarks(check: CheckResult, moment: str) -> list[str]:
    """Give what a reader of one check's outcome has to know besides it, its duration first.

    `moment` is when its run began, in ISO 8601: a quarantine ends with its day.
    """
    words = [seconds(check.duration_s)] if check.attempts or check.duration_s else []
    if check.outcome in (Outcome.BLOCKED, Outcome.UNKNOWN):
        words.append(check.outcome.value)
    if check.outcome is Outcome.FAILED and len(check.attempts) > 1:
        words.append("failed twice")
    if check.flaky:
        words.append("flaky")
    if check.deprecated:
        words.append(f"deprecated since {one_line(check.deprecated, 40)}, does not decide")
    if check.quarantined_until:
        words.append(_quarantine(check, moment))
    return words


def _quarantine(check: CheckResult, moment: str) -> str:
    day = one_line(check.quarantined_until, 40)
    if check.is_quarantined(moment):
        return f"quarantined until {day}, does not decide: {one_line(check.quarantine_reason, 200)}"
    return f"quarantine ended on {day}, counts again"


def names_of(checks: list[CheckResult], run: JudgedRun) -> str:
    """Name checks; where they are a whole suite, its name is enough."""
    ids = {check.id for check in checks}
    names = []
    for suite in dict.fromkeys(check.suite for check in checks):
        of_suite = [check.id for check in run.everything if check.suite == suite]
        if len(of_suite) > 1 and ids.issuperset(of_suite):
            names.append(f"all {len(of_suite)} of {suite}")
        else:
            names += [check.id for check in checks if check.suite == suite]
    return ", ".join(names)


def leftovers_in_words(leftovers: list[str]) -> list[str]:
    """Say what is left behind, in a line for each reason."""
    names: dict[str, list[str]] = {}
    for leftover in dict.fromkeys(leftovers):
        name, _, reason = leftover.partition(": ")
        names.setdefault(reason, []).append(name)
    return [
        one_line(f"{first}{f' and {len(more)} more' if more else ''}: {reason}")
        for reason, (first, *more) in names.items()
    ]


def several(number: int, noun: str) -> str:
    """Give a number with its noun: 1 check, 2 checks."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def seconds(duration_s: float) -> str:
    """Give a duration as a person reads it: 12 ms, 1.25 s, 12.5 s, 2 min 5 s."""
    if round(duration_s, 3) < 1:
        return f"{duration_s * 1000:.0f} ms"
    if round(duration_s, 2) < _TENTHS_FROM_S:
        return f"{duration_s:.2f} s"
    if round(duration_s, 1) < _MINUTES_FROM_S:
        return f"{duration_s:.1f} s"
    minutes, rest_s = divmod(round(duration_s), 60)
    return f"{minutes} min {rest_s} s"


def helped_in_words(after: Action, rollback: str) -> str:
    """Say whether a rollback helped, by the verdict after it."""
    if after is Action.INCONCLUSIVE:
        return f"whether {rollback} helped is not known"
    return f"{rollback} {'helped' if after.opens_the_gate else 'did not help'}"
