"""What a failure weighs in a verdict, why it may weigh less, and what it was compared with."""

from __future__ import annotations

from smokegate.client.evidence import milder
from smokegate.reports.escaping import one_line
from smokegate.results import CheckResult, Consequence, JudgedRun, Outcome, Run
from smokegate.weights import excuse

MEANINGS = {
    Consequence.WARN: "a warning",
    Consequence.MONITOR: "monitor",
    Consequence.INVESTIGATE: "investigate before going on",
    Consequence.SHARE: "counts against the share of workflows",
    Consequence.ROLLBACK: "rollback",
}
_SHOWN = 8


def meaning(checks: list[CheckResult], run: JudgedRun) -> str:
    """Say what a failure that these checks share means for the release."""
    if checks[0].outcome is Outcome.UNKNOWN:
        return "unknown: the runner could not tell"
    deciding = [check for check in checks if check.decides(run.started_at)]
    if not deciding:
        return "nothing: it does not decide"
    excused = {each.check for each in run.verdict.mitigated}
    in_full = [check for check in deciding if check.id not in excused]
    worst = max((check.consequence for check in in_full or deciding), key=lambda c: c.severity)
    words = MEANINGS[worst] if in_full else f"{MEANINGS[milder(worst)]}, not a rollback"
    reasons = dict.fromkeys(one_line(excuse(check, run)) for check in deciding)
    alone = dict.fromkeys(name for check in deciding for name in check.only_from)
    if alone:
        reasons[f"seen from {', '.join(alone)} and not from elsewhere: the way there?"] = None
    return "; ".join([words, *filter(None, reasons)])


def mitigations_in_words(run: JudgedRun) -> list[str]:
    """Say which failures rolling back would not cure, and why."""
    mitigated = run.verdict.mitigated
    words = [one_line(f"{each.check}: {each.reason}") for each in mitigated[:_SHOWN]]
    return words + [f"{len(mitigated) - _SHOWN} more"] * (len(mitigated) > _SHOWN)


def baseline_in_words(run: Run) -> str:
    """Say which run from before the deployment was compared with, or nothing without one."""
    if run.baseline is None:
        return ""
    before = run.baseline
    began = before.started_at.partition(".")[0].replace("T", " ").removesuffix("Z")
    version = f" of version {before.version}" if before.version else ""
    failed = len(before.failed)
    words = (
        f"run {before.run_id}{version}, {began} UTC, {before.action.value}, {failed} failed in it"
    )
    return one_line(words + (", not compared with" if before.unusable else ""))
