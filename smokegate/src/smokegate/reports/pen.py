"""How lines look on a terminal beside a run: their width, and colours where there are any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from smokegate.reports.layout import paragraph
from smokegate.reports.outlet import Outlet, understands_escapes
from smokegate.reports.table import Column, table
from smokegate.reports.terminal import BOLD, DIM

INDENT = "  "


@dataclass(frozen=True, kw_only=True)
class Pen:
    """Writes lines of `width` columns, in colour or not."""

    width: int
    color: bool

    def paint(self, text: str, color: str) -> str:
        """The text in a colour, where there are any."""
        return f"\x1b[{color}m{text}\x1b[0m" if self.color and color and text else text

    def dim(self, text: str) -> str:
        """What is there for completeness."""
        return self.paint(text, DIM)

    def title(self, text: str, color: str = BOLD) -> Iterator[str]:
        """What stands over a section."""
        for line in paragraph(text, width=self.width, hanging=INDENT):
            yield self.paint(line, color)

    def table(self, *columns: Column, indent: str = "") -> Iterator[str]:
        """Columns under their headings."""
        return table(list(columns), width=self.width, head=self.dim, indent=indent)


def shows_color(outlet: Outlet, environ: Mapping[str, str]) -> bool:
    """Whether the terminal understands colours, and `NO_COLOR` allows them."""
    return bool(understands_escapes(outlet, environ) and not environ.get("NO_COLOR"))
