"""An audit on a terminal: the score first, then what stands behind it and what is to be done."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from smokegate.audit.pen import AuditPen, color_of, percent
from smokegate.audit.report import Audit, Row, Tally
from smokegate.audit.standing import standings
from smokegate.audit.survivors import survivors_in_lines
from smokegate.reports.escaping import no_command, one_line
from smokegate.reports.layout import Rows, labelled
from smokegate.reports.outlet import Outlet
from smokegate.reports.pen import INDENT, shows_color
from smokegate.reports.table import Column
from smokegate.reports.terminal import BOLD, DIM, GREEN, RED, YELLOW
from smokegate.reports.wording import seconds, several

_BAR_CHARS = 10
_MOST_BLIND = 5
_MOST_CATCHERS = 2
_SIGNS = {"caught": ("✓", GREEN), "equivalent": ("-", DIM), "undecided": ("?", YELLOW)}
_MISSED = ("✗", RED)


def show(
    audit: Audit,
    outlet: Outlet,
    *,
    verbose: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Show an audit, in colour where the terminal and `NO_COLOR` allow it.

    `verbose` lists all survivors, all that catch a declared fault, and every owner of replies.
    """
    color = shows_color(outlet, environ)
    pen = AuditPen(width=outlet.width, color=color, verbose=verbose)
    sections = (
        _headline, _layers, _checks, _declared, _survivors, _over_catching, _excluded, _blind,
    )  # fmt: skip
    for section in sections:
        for number, line in enumerate(section(audit, pen)):
            if number == 0 and section is not _headline:
                outlet.line("")
            outlet.line(no_command(line.rstrip()))


def _headline(audit: Audit, pen: AuditPen) -> Iterator[str]:
    decided = audit.mutants - sum(audit.equivalent.values())
    words = f"Score {percent(audit.score)}: {audit.caught:,} of {decided:,} faults are caught"
    if not decided:
        words = "No score: there was no fault to try"
    if audit.over_catching:
        words += f", {several(len(audit.over_catching), 'false alarm')} counted against it"
    if audit.excluded:
        words += f"; {len(audit.excluded)} left out"
    yield from pen.title(words, f"{BOLD};{color_of(audit.score)}")
    yield from labelled(_facts(audit), width=pen.width, indent="  ")


def _facts(audit: Audit) -> Rows:
    tried = audit.mutants + audit.replies.mutants
    pace = f", {tried / audit.seconds:,.0f} a second" if audit.seconds else ""
    processes = f"{audit.processes} process{'es' * (audit.processes != 1)}"
    recording = f"{seconds(audit.record_seconds)} to record, " * bool(audit.record_seconds)
    rows = [
        ("target", one_line(audit.target)),
        ("recorded", f"{one_line(audit.recorded_at)}, {several(audit.exchanges, 'exchange')}"),
        ("faults", _fates(audit)),
        ("replies", _fates(audit.replies) if audit.replies.mutants else ""),
        (
            "took",
            f"{recording}{seconds(audit.seconds)} for {tried:,} mutants ({processes}{pace})",
        ),
    ]
    return [row for row in rows if row[1]]


def _fates(tally: Audit | Tally) -> str:
    """How many mutants there were, and how many of each fate that occurred."""
    rules = [f"{one_line(rule)} {number:,}" for rule, number in tally.equivalent.items()]
    why = ", ".join(rules if len(rules) > 1 else map(one_line, tally.equivalent))
    counts = {
        "caught": tally.caught,
        "only by accident": tally.accidents,
        "survived": tally.survived,
        "undecided": tally.undecided,
        f"equivalent ({why})": sum(tally.equivalent.values()),
    }
    words = [f"{number:,} {fate}" for fate, number in counts.items() if number]
    if tally.warned:
        words.insert(1, f"{tally.warned:,} of them by a warning only")
    return f"{tally.mutants:,}: {', '.join(words)}" if words else "none"


def _layers(audit: Audit, pen: AuditPen) -> Iterator[str]:
    names = [one_line(name) for name in audit.layers]
    there = list(audit.layers.values())
    if not there:
        return
    yield from pen.table(
        Column(heading="layer", cells=names, left=True),
        pen.counts("mutants", [each.mutants for each in there]),
        pen.counts("caught", [each.caught for each in there]),
        pen.counts("warned", [each.warned for each in there], spare=4, color=YELLOW),
        pen.counts("accident", [each.accidents for each in there], spare=2, color=YELLOW),
        pen.counts("survived", [each.survived for each in there], color=RED),
        pen.counts("undecided", [each.undecided for each in there], spare=1, color=YELLOW),
        pen.counts("equivalent", [sum(each.equivalent.values()) for each in there], spare=3),
        pen.scores([each.score for each in there]),
        indent=INDENT,
    )


def _checks(audit: Audit, pen: AuditPen) -> Iterator[str]:
    found = standings(audit)
    if not found:
        return
    most = max([1, *(each.caught for each in found)])
    bars = ["#" * max(round(_BAR_CHARS * s.caught / most), bool(s.caught)) for s in found]
    worst = [each.consequence or "catches nothing" for each in found]
    yield from pen.table(
        Column(heading="check", cells=[_named(each.check) for each in found], left=True),
        pen.counts("caught", [each.caught for each in found]),
        pen.counts("alone", [each.alone for each in found]),
        Column(heading="share", cells=[percent(each.share) for each in found], spare=2),
        Column(heading="", cells=bars, left=True, spare=1, paint=pen.dim),
        Column(heading="worst", cells=worst, left=True),
        Column(heading="verdict", cells=[each.verdict for each in found], left=True, spare=3),
        indent=INDENT,
    )
    for check in audit.redundant_checks:
        why = "whatever it catches in a replay, another check catches too"
        words = f"{one_line(check)} is redundant: {why}"
        yield from pen.item("⚠", words, YELLOW)


def _named(owner: str) -> str:
    """A check, which is named after its suite, or a resource, which is not."""
    return one_line(owner if "." in owner else f"{owner} (a resource)")


def _declared(audit: Audit, pen: AuditPen) -> Iterator[str]:
    rows = [row for row in audit.matrix.rows if row.family == "semantic"]
    caught = sum(row.fate == "caught" for row in rows)
    if rows:
        yield from pen.title(f"Faults that the suite declares: {caught} of {len(rows)} caught")
    for row in rows:
        sign, color = _SIGNS.get(row.fate, _MISSED)
        words = f"{row.declared} {row.fault.removeprefix(f'{row.endpoint}: ')}".strip()
        yield from pen.item(sign, f"{one_line(words)}: {_catchers(row, pen)}", color)


def _catchers(row: Row, pen: AuditPen) -> str:
    """Who caught a fault, and what it led to."""
    if row.fate == "equivalent":
        return f"not judged ({one_line(row.rule)})"
    if row.fate == "undecided":
        return "undecided, the replay could not follow"
    if not row.caught_by:
        return "nobody"
    names = [one_line(catch.check) for catch in row.caught_by]
    shown = names if pen.verbose else names[:_MOST_CATCHERS]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    by_accident = "only by accident, " if row.fate == "accident" else ""
    return f"{by_accident}{', '.join(shown)}{more} → {one_line(row.verdict)}"


def _survivors(audit: Audit, pen: AuditPen) -> Iterator[str]:
    if audit.survivors:
        yield from pen.title(f"What to write: {len(audit.survivors):,} faults are not caught")
        yield from survivors_in_lines(audit.survivors, pen)


def _over_catching(audit: Audit, pen: AuditPen) -> Iterator[str]:
    if audit.over_catching:
        alarms = several(len(audit.over_catching), "false alarm")
        yield from pen.title(f"{alarms} over what healthy deployments do")
    for each in audit.over_catching:
        words = f"{one_line(each.condition)}: {one_line(each.check)}, {one_line(each.reason)}"
        yield from pen.item("⚠", words, YELLOW)


def _excluded(audit: Audit, pen: AuditPen) -> Iterator[str]:
    if audit.excluded:
        yield from pen.title("Left out, since nothing can be said about them")
    for name, reason in audit.excluded.items():
        yield from pen.item("-", f"{one_line(name)}: {one_line(reason)}", DIM)


def _blind(audit: Audit, pen: AuditPen) -> Iterator[str]:
    """Where most faults of single replies go unnoticed."""
    worst = sorted(audit.blind.items(), key=lambda pair: (pair[1].score, -pair[1].mutants))
    worst = [(owner, tally) for owner, tally in worst if tally.score < 1]
    if not pen.verbose:
        worst = worst[:_MOST_BLIND]
    if not worst:
        return
    there = [tally for _, tally in worst]
    yield from pen.title("Where a fault of a single reply goes unnoticed most")
    yield from pen.table(
        Column(heading="owner", cells=[_named(owner) for owner, _ in worst], left=True),
        pen.counts("mutants", [each.mutants for each in there], spare=1),
        pen.counts("caught", [each.caught for each in there], spare=2),
        pen.counts("survived", [each.survived + each.undecided for each in there], color=RED),
        pen.scores([each.score for each in there]),
        indent=INDENT,
    )
