"""Columns of text that keep within a width: a gap narrows, then what matters least is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

_GAPS = (2, 1)
_NARROWEST = 12


def plainly(text: str) -> str:
    """The text as it is."""
    return text


@dataclass(frozen=True, kw_only=True)
class Column:
    """Cells under a heading; the last ones are left out first where it is narrow.

    `spare` says which goes first: the highest does, 0 always stays. `paint` colours a cell once it
    has its width.
    """

    heading: str
    cells: list[str]
    left: bool = False
    spare: int = 0
    paint: Callable[[str], str] = plainly

    @property
    def width(self) -> int:
        """The characters of its widest cell."""
        return max(len(cell) for cell in (self.heading, *self.cells))

    def padded(self, text: str, width: int) -> str:
        """A cell in its width; what does not fit is cut."""
        if len(text) > width:
            text = text[: width - 1] + "…"
        return text.ljust(width) if self.left else text.rjust(width)


def table(
    columns: list[Column], *, width: int, head: Callable[[str], str], indent: str = ""
) -> Iterator[str]:
    """Set columns side by side; `head` colours the headings. The first is cut if all else fails."""
    kept, gap = _fitting(columns, width - len(indent))
    first = max(_NARROWEST, width - len(indent) - _total(kept[1:], gap) - gap)
    widths = [min(kept[0].width, first), *(each.width for each in kept[1:])]
    sized = list(zip(kept, widths, strict=True))
    between = " " * gap
    headings = between.join(column.padded(column.heading, wide) for column, wide in sized)
    yield indent + head(headings.rstrip())
    for number in range(len(kept[0].cells)):
        cells = (column.paint(column.padded(column.cells[number], wide)) for column, wide in sized)
        yield indent + between.join(cells)


def _fitting(columns: list[Column], width: int) -> tuple[list[Column], int]:
    """The columns to show, and the gap between them."""
    kept = list(columns)
    while True:
        for gap in _GAPS:
            if _total(kept, gap) <= width:
                return kept, gap
        dispensable = max(kept, key=lambda each: each.spare)
        if not dispensable.spare:
            return kept, _GAPS[-1]
        kept.remove(dispensable)


def _total(columns: list[Column], gap: int) -> int:
    return sum(each.width for each in columns) + gap * (len(columns) - 1)
