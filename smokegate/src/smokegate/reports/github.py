"""What GitHub Actions shows of a run: annotations, a step summary, outputs of the step.

The rules of escaping are those of the runner's own source: `%`, carriage return and newline in
the message, and `:` and `,` as well in properties.
"""

import html
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

from smokegate.reports.causes import Shared, shared_causes
from smokegate.reports.details import failure, next_steps
from smokegate.reports.escaping import one_line, visible
from smokegate.reports.locations import locations_in_words
from smokegate.reports.meaning import baseline_in_words, mitigations_in_words
from smokegate.reports.outlet import Outlet
from smokegate.reports.wording import (
    SIGNS,
    counts_in_words,
    helped_in_words,
    leftovers_in_words,
    names_of,
    remarks,
    seconds,
    several,
    verdict_line,
    verdict_name,
    what_to_do,
)
from smokegate.results import Action, CheckResult, JudgedRun, Outcome
from smokegate.verdict import exit_code

# GitHub shows ten errors and ten warnings of a step; one place is the verdict's.
_SHOWN_CAUSES = 9
_SHOWN_CHARS = 2_000
_FAILURE_CHARS = 6_000
_SUMMARY_BYTES = 1_000_000  # GitHub drops what is 1 MiB or more
_LEFT_OUT = "Some of this run did not fit here; summary.txt among the result files has all."
_LEVELS = {
    Action.PROCEED: "notice",
    Action.MONITOR: "warning",
    Action.INVESTIGATE: "error",
    Action.INCONCLUSIVE: "error",
    Action.ROLLBACK: "error",
}


def publish(run: JudgedRun, environ: Mapping[str, str], stream: TextIO) -> None:
    """Print annotations, and append the step summary and the outputs where GitHub wants them.

    What cannot be appended is said in an annotation of its own.
    """
    outlet = Outlet(stream)
    for annotation in annotations(run):
        outlet.line(annotation)
    _append_all(
        {
            "GITHUB_STEP_SUMMARY": lambda size: step_summary(run, _SUMMARY_BYTES - size),
            "GITHUB_OUTPUT": lambda _: outputs(run),
        },
        environ,
        outlet,
    )


def publish_rollback(
    back_to: str, again: JudgedRun, environ: Mapping[str, str], stream: TextIO
) -> None:
    """Tell that a release was rolled back, and what the run after it found."""
    helped = again.verdict.action.opens_the_gate
    came_of_it = helped_in_words(again.verdict.action, "it")
    words = f"Rolled back to version {back_to}: {came_of_it}. {verdict_line(again)}"
    outlet = Outlet(stream)
    outlet.line(_command("warning" if helped else "error", "smokegate", words))
    told = {"rolled-back-to": back_to, "rollback-helped": str(helped).lower()}
    _append_all(
        {
            "GITHUB_STEP_SUMMARY": lambda _: f"**{_markdown(words)}**\n\n",
            "GITHUB_OUTPUT": lambda _: "".join(
                _output(name, one_line(value)) for name, value in told.items()
            ),
        },
        environ,
        outlet,
    )


def _append_all(
    appended: dict[str, Callable[[int], str]], environ: Mapping[str, str], outlet: Outlet
) -> None:
    for name, text in appended.items():
        if environ.get(name):
            try:
                _append(Path(environ[name]), text)
            except OSError as error:
                outlet.line(_command("warning", "smokegate", f"{name} was not written: {error}"))


def annotations(run: JudgedRun) -> list[str]:
    """Give the verdict and each cause of failure as a workflow command."""
    level = _LEVELS[run.verdict.action]
    lines = [_command(level, "smokegate", f"{verdict_line(run)}\n{what_to_do(run)}")]
    causes = shared_causes(run)
    lines += [_annotation(run, shared) for shared in causes[:_SHOWN_CAUSES]]
    if len(causes) > _SHOWN_CAUSES:
        left_out = several(len(causes) - _SHOWN_CAUSES, "more cause")
        lines[-1] += _escaped(f"\n(and {left_out}, in the step summary)")
    return lines


def step_summary(run: JudgedRun, limit_bytes: int = _SUMMARY_BYTES) -> str:
    """Write the run as Markdown, in which nothing of what the target sent has a meaning.

    Parts that would go beyond the limit are left out, and the last line says so.
    """
    counts = counts_in_words(run.verdict.counts)
    parts = [
        f"## {_markdown(verdict_name(run))}",
        f"{_markdown(one_line(run.verdict.reason))}\n\n**{_markdown(what_to_do(run))}**",
        f"{_markdown(run.target)}, version {_markdown(run.version or 'not known')}, "
        f"{_markdown(run.environment)}: {counts} in {seconds(run.duration_s)}",
        *(_failure(run, shared) for shared in shared_causes(run)),
        _table(run.everything, run.started_at),
    ]
    parts += [f"- from {_markdown(words)}" for words in locations_in_words(run)]
    if run.baseline:
        parts.append(f"- baseline: {_markdown(baseline_in_words(run))}")
    parts += [f"- rolling back would not cure {_markdown(w)}" for w in mitigations_in_words(run)]
    parts += [f"- {_markdown(one_line(each.reason))}" for each in run.missing_suites]
    parts += [f"- left behind: {_markdown(each)}" for each in leftovers_in_words(run.leftovers)]
    parts += [f"- {_markdown(one_line(note))}" for note in run.notes]
    parts += [f"run {run.run_id}, seal {run.seal.short}"] if run.seal else []
    return _within(limit_bytes, parts)


def outputs(run: JudgedRun) -> str:
    """Give the outputs of the step: verdict, reason, partial, exit-code, run-id."""
    strict = bool(run.settings.get("strict"))
    values = {
        "verdict": run.verdict.action.value,
        "reason": one_line(run.verdict.reason),
        "partial": str(run.partial).lower(),
        "exit-code": str(exit_code(run.verdict, strict=strict)),
        "run-id": run.run_id,
    }
    return "".join(_output(name, one_line(value)) for name, value in values.items())


def _annotation(run: JudgedRun, shared: Shared) -> str:
    check = shared.checks[0]
    decides = any(each.id in run.verdict.deciding for each in shared.checks)
    level = "error" if decides and shared.outcome is not Outcome.UNKNOWN else "warning"
    alone = len(shared.checks) == 1
    title = check.id if alone else several(len(shared.checks), "check")
    text = [check.reason if alone else f"{shared.cause.summary}: {names_of(shared.checks, run)}"]
    text += [f"{label}: {words}" for label, words in next_steps(shared.cause, check)]
    return _command(level, title, "\n".join(text))


def _command(level: str, title: str, message: str) -> str:
    message = visible(message[:_SHOWN_CHARS])
    title = _escaped(one_line(title)).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={title}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _table(checks: list[CheckResult], moment: str) -> str:
    rows = ["| | check | | |", "|---|---|---|---|"]
    for check in checks:
        words = check.title
        if check.outcome in (Outcome.WARNED, Outcome.SKIPPED):
            words += f": {check.reason}"
        cells = [
            SIGNS[check.outcome],
            check.id,
            one_line(words, 300),
            ", ".join(remarks(check, moment)),
        ]
        rows.append("| " + " | ".join(map(_markdown, cells)) + " |")
    return "\n".join(rows)


def _failure(run: JudgedRun, shared: Shared) -> str:
    """One cause, folded; text in `<pre>` is neither Markdown nor HTML once it is escaped."""
    check, count = shared.checks[0], len(shared.checks)
    head = check.id if count == 1 else f"{several(count, 'check')}: {shared.cause.summary}"
    text = failure(run, check)[:_FAILURE_CHARS]
    if count > 1:
        text = f"{names_of(shared.checks, run)}\n\n{text}"
    head = html.escape(f"{SIGNS[shared.outcome]} {one_line(head, 200)}")
    return (
        f"<details><summary><code>{head}</code></summary>\n\n"
        f"<pre>{html.escape(visible(text))}</pre>\n\n</details>"
    )


def _markdown(text: str) -> str:
    """Take the meaning from every character that Markdown or HTML could see one in."""
    text = html.escape(one_line(text, _SHOWN_CHARS), quote=False)
    return "".join(f"\\{char}" if char in r"\`*_{}[]()<>#+-!|~@:$" else char for char in text)


def _output(name: str, value: str) -> str:
    delimiter = f"smokegate-{os.urandom(16).hex()}"
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def _within(limit_bytes: int, parts: list[str]) -> str:
    kept, size = [], len(_LEFT_OUT) + 2
    for part in parts:
        part_bytes = len(part.encode("utf-8", "backslashreplace")) + 2
        if size + part_bytes <= limit_bytes:
            kept.append(part)
            size += part_bytes
    if len(kept) < len(parts) and size <= limit_bytes:
        kept.append(_LEFT_OUT)
    return "".join(f"{part}\n\n" for part in kept)


def _append(path: Path, text: Callable[[int], str]) -> None:
    """Append what `text` gives for the size that the file has already."""
    with path.open("ab") as file:
        file.write(text(file.tell()).encode("utf-8", "backslashreplace"))
