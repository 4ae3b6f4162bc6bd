"""How a verdict was derived: the rules in their order, and what they found in the evidence."""

from __future__ import annotations

from collections.abc import Iterator

from smokegate.reports.causes import shared_causes
from smokegate.reports.details import details
from smokegate.reports.escaping import no_command, one_line
from smokegate.reports.layout import Rows, labelled, paragraph
from smokegate.reports.locations import locations_in_words
from smokegate.reports.wording import (
    SIGNS,
    counts_in_words,
    names_of,
    several,
    verdict_line,
    workflows_in_words,
)
from smokegate.results import JudgedRun, Verdict
from smokegate.verdict import End, ends

_HOLDS, _DOES_NOT = "→", " "


def explanation(run: JudgedRun, *, width: int) -> list[str]:
    """Explain a verdict in lines; nothing of what the target sent can act."""
    lines = paragraph(verdict_line(run), width=width, hanging="  ")
    lines += labelled(_facts(run), width=width, indent="  ")
    tried = tried_ends(run)
    for end in tried:
        lines += ["", *_derivation(end, width)]
    if len(tried) > 1:
        lines += ["", between(tried, run.verdict)]
    for mitigation in run.verdict.mitigated:
        lines += paragraph(
            f"weighs less: {one_line(mitigation.check)}, {one_line(mitigation.reason)}",
            width=width,
            indent="    ",
            hanging="  ",
        )
    return lines + _evidence(run, width)


def _facts(run: JudgedRun) -> Rows:
    verdict = run.verdict
    compared = run.baseline
    rows: Rows = [
        ("run", f"{one_line(run.run_id)}, {one_line(run.tool)}, began {one_line(run.started_at)}"),
        ("target", f"{one_line(run.target)}, version {one_line(verdict.version) or 'not known'}"),
        *(("from", words) for words in locations_in_words(run)),
        ("rests on", several(verdict.requests, "request")),
        ("checks", counts_in_words(verdict.counts)),
        ("workflows", workflows_in_words(verdict.counts) or "none that apply"),
    ]
    if compared is not None:
        unusable = f", not compared with: {one_line(compared.unusable)}" * bool(compared.unusable)
        rows.append(("baseline", f"{one_line(compared.run_id)}{unusable}"))
    return rows


def tried_ends(run: JudgedRun) -> list[End]:
    """Where the rules had a say at all."""
    return [] if run.verdict.rule in ("interrupted", "nothing-run") else ends(run)


def _derivation(end: End, width: int) -> Iterator[str]:
    unknown = f", every unknown as {end.unknown_as}" if end.unknown_as else ""
    yield f"The rules in their order{unknown}; the first that holds wins"
    for rule, finding in end.tried:
        sign = _HOLDS if finding else _DOES_NOT
        yield from paragraph(f"{sign} {rule.words}", width=width, indent="  ")
        if finding is not None:
            words = f"{finding.action.value}: {one_line(finding.reason, 1_000)}"
            yield from paragraph(words, width=width, indent="    ", hanging="  ")


def between(both: list[End], verdict: Verdict) -> str:
    """Say which of both ends it is, and why."""
    best, worst = both
    if best.action is worst.action:
        words = "Both ends agree"
    elif best.action.opens_the_gate and not worst.action.opens_the_gate:
        words = "One end opens the gate and one closes it"
    elif worst.action.opens_the_gate:
        words = "Both ends open the gate, so it is the worse"
    else:
        words = "Both ends close the gate, so it is the milder"
    return f"{words}: {verdict.action.value}"


def _evidence(run: JudgedRun, width: int) -> list[str]:
    """Show the evidence behind what decided."""
    lines = []
    deciding = set(run.verdict.deciding)
    for shared in shared_causes(run):
        if not deciding.isdisjoint(check.id for check in shared.checks):
            sign, names = SIGNS[shared.outcome], one_line(names_of(shared.checks, run), 300)
            lines += ["", no_command(f"{sign} {names}")]
            lines += labelled(details(shared.cause, shared.checks[0]), width=width, indent="    ")
    return lines
