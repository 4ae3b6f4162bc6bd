"""What is to be written, so that a fault which nobody notices now is noticed next time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import msgspec

from smokegate.audit.pen import AuditPen
from smokegate.audit.report import Survivor
from smokegate.reports.escaping import one_line, visible
from smokegate.reports.layout import paragraph
from smokegate.reports.pen import INDENT
from smokegate.reports.wording import several

_MOST_LINES = 15
_LINES_AN_ENDPOINT = 2
_MOST_REASONS = 8


class ToWrite(msgspec.Struct, frozen=True):
    """A line of code, and the faults at one endpoint that it would notice."""

    code: str
    survivors: list[Survivor]


def to_write(survivors: list[Survivor]) -> dict[str, list[ToWrite]]:
    """The lines to write by endpoint; where most is missed comes first, as in each endpoint."""
    by_endpoint: dict[str, dict[str, list[Survivor]]] = defaultdict(lambda: defaultdict(list))
    for each in survivors:
        by_endpoint[each.endpoint][each.write].append(each)
    found = {
        endpoint: sorted(
            (ToWrite(code, there) for code, there in by_code.items()),
            key=lambda each: -len(each.survivors),
        )
        for endpoint, by_code in by_endpoint.items()
    }
    return dict(sorted(found.items(), key=lambda pair: -_missed(pair[1])))


def survivors_in_lines(survivors: list[Survivor], pen: AuditPen) -> Iterator[str]:
    """Show what to write, the most rewarding lines only unless all is asked for."""
    yield from _to_write([each for each in survivors if not each.left], pen)
    reasons = Counter(each.left for each in survivors if each.left)
    for reason, number in reasons.most_common(None if pen.verbose else _MOST_REASONS):
        words = one_line(f"{number:>4}  left on purpose: {reason}")
        yield from paragraph(words, width=pen.width, indent=INDENT, hanging=INDENT + " " * 6)
    if len(reasons) > _MOST_REASONS and not pen.verbose:
        yield f"{INDENT}… and {len(reasons) - _MOST_REASONS} more reasons; -v lists them all"


def _to_write(survivors: list[Survivor], pen: AuditPen) -> Iterator[str]:
    left_lines, shown = _MOST_LINES, 0
    for endpoint, lines in to_write(survivors).items():
        chosen = lines if pen.verbose else lines[: max(0, min(_LINES_AN_ENDPOINT, left_lines - 1))]
        if not chosen:
            break
        left_lines -= 1 + len(chosen)
        shown += _missed(chosen)
        yield from _endpoint(endpoint, lines, pen)
        for line in chosen:
            yield from _line(line, pen)
    if shown < len(survivors):
        yield f"{INDENT}… and {len(survivors) - shown:,} more; -v lists them all"


def _endpoint(endpoint: str, lines: list[ToWrite], pen: AuditPen) -> Iterator[str]:
    """An endpoint, how much is missed there, and where a line could be written: checks first."""
    owners = sorted(lines[0].survivors[0].in_checks, key=lambda owner: "." not in owner)
    head = one_line(f"{endpoint}: {several(_missed(lines), 'fault')}")
    shown = owners if pen.verbose else owners[:1]
    where = one_line(f", in {', '.join(shown)}" if owners else "")
    more = f" and {len(owners) - len(shown)} more" if len(owners) > len(shown) else ""
    if len(INDENT + head + where + more) > pen.width:
        more = ""
    return iter(paragraph(head + where + more, width=pen.width, indent=INDENT, hanging=INDENT))


def _line(line: ToWrite, pen: AuditPen) -> Iterator[str]:
    head = f"{INDENT}{len(line.survivors):>4}  "
    code = visible(" ".join(line.code.splitlines()))
    room = pen.width - len(head)
    cut = code if pen.verbose or len(code) <= room else code[: room - 1] + "…"
    yield f"{pen.dim(head)}{cut}"
    if pen.verbose:
        words = ", ".join(_what(each) for each in line.survivors)
        for text in paragraph(words, width=pen.width, indent=" " * len(head)):
            yield pen.dim(text)


def _what(survivor: Survivor) -> str:
    what = one_line(survivor.fault.removeprefix(f"{survivor.endpoint}: "))
    return f"{what} (undecided)" if survivor.undecided else what


def _missed(lines: list[ToWrite]) -> int:
    return sum(len(each.survivors) for each in lines)
