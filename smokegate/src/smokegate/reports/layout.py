"""Plain text in lines of a given width: paragraphs, and rows with a label in front."""

from __future__ import annotations

import textwrap

from smokegate.reports.escaping import no_command, visible

Rows = list[tuple[str, str]]
WIDTH = 100
_NARROWEST = 40
_LABEL_WIDTH = 8
COMMAND = "curl "


def paragraph(text: str, *, width: int = WIDTH, indent: str = "", hanging: str = "") -> list[str]:
    """Wrap text into visible lines; `hanging` is added to the indent of all but the first."""
    lines: list[str] = []
    for part in visible(text).split("\n"):
        lines += textwrap.wrap(
            part,
            max(width, _NARROWEST),
            initial_indent=indent + (hanging if lines else ""),
            subsequent_indent=indent + hanging,
            break_on_hyphens=False,
        )
    return [no_command(line) for line in lines]


def labelled(rows: Rows, *, width: int = WIDTH, indent: str = "") -> list[str]:
    """Set out rows with their labels in a column; a command to copy stays on one line."""
    lines: list[str] = []
    column = max([_LABEL_WIDTH, *(len(label) for label, _ in rows)])
    for label, text in rows:
        head = f"{indent}{label:<{column}}  "
        if text.startswith(COMMAND):
            block = [head + visible(text).replace("\n", r"\n")]
        else:
            block = paragraph(text, width=width, indent=" " * len(head)) or [head]
        lines += [(head + block[0][len(head) :]).rstrip(), *block[1:]]
    return lines
