"""Markup that is safe by how it is made: a plain string becomes text that is seen, never markup."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from smokegate.reports.escaping import lines, visible

_LINE_CHARS = 1_000
_LINK_CHARS = 4_000
_EMPTY = frozenset({"rect", "line", "input"})
_LINKS = frozenset({"href", "action"})  # of which a part leads elsewhere
_CUT = " … (cut; run.json has more)"


class Markup(str):
    """A piece of a page: escaped already, or our own. What is computed from one is a string.

    It belongs between tags: in an attribute it would be escaped once more.
    """

    __slots__ = ()


def element(name: str, /, *content: str, **attributes: str | bool) -> Markup:
    """An element; an attribute that is empty or False is left out, one that is True has no value.

    A name that Python keeps for itself has an underscore at its end, as in `class_`.
    """
    opening = name + "".join(_attribute(*each) for each in attributes.items())
    if name in _EMPTY:
        return Markup(f"<{opening}/>")
    return Markup(f"<{opening}>{joined(*content)}</{name}>")


def joined(*content: str) -> Markup:
    """Pieces one after the other; those that are no markup become text."""
    return Markup("".join(each if isinstance(each, Markup) else text(each) for each in content))


def table(head: Iterable[str], rows: Iterable[Markup]) -> Markup:
    """A table with words over its columns; on a narrow screen it is moved sideways."""
    heading = element("tr", *(element("th", words) for words in head))
    whole = element("table", element("thead", heading), element("tbody", *rows))
    return element("div", whole, class_="scroll")


def text(words: str, limit: int = _LINE_CHARS) -> Markup:
    """A text as one line, cut after `limit` characters; escaped, it has at most twice as many."""
    # What is cut away anyway need not be looked at: a body may be megabytes long.
    return _bounded(visible(words[:limit]).replace("\n", " "), limit, len(words) > limit, "…")


def block(words: str, limit: int) -> Markup:
    """A text as it was broken into lines, cut and bounded as a line is."""
    return _bounded(lines(words[:limit]), limit, len(words) > limit, _CUT)


def _bounded(shown: str, limit: int, is_cut: bool, sign: str) -> Markup:
    kept = limit
    made = escape(shown[:kept], quote=False)
    while len(made) > 2 * limit:
        kept //= 2
        made = escape(shown[:kept], quote=False)
    return Markup(made + sign * (is_cut or len(shown) > kept))


def _attribute(name: str, value: str | bool) -> str:
    if value is True or not value:
        return f" {name}" * bool(value)
    limit = _LINK_CHARS if name in _LINKS else _LINE_CHARS
    written = text(value, limit).replace('"', "&quot;")
    return f' {name.rstrip("_").replace("_", "-")}="{written}"'
