"""Values as Python, laid out as `ruff format` would: whatever a text holds, it stays a text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from smokegate.scaffold.unfit import UnfitError

WIDTH = 88
STEP = "    "
_LARGEST = 2**63


class Raw(str):
    """An expression that is code already; only this package writes such."""

    __slots__ = ()


class Call(NamedTuple):
    """A call: `head` is code, the arguments are values; one without a keyword has an empty name."""

    head: str
    arguments: Sequence[tuple[str, Any]]


def call(head: str, *values: Any, **named: Any) -> Call:
    """A call with these arguments, in order."""
    return Call(head, [*(("", value) for value in values), *named.items()])


def text(value: str) -> str:
    """A string literal; double quotes unless single ones spare escapes."""
    quote = "'" if value.count('"') > value.count("'") else '"'
    return f"{quote}{''.join(_escaped(each, quote) for each in value)}{quote}"


def f_text(parts: Sequence[str]) -> Raw:
    """A string of parts, those that are `Raw` evaluated."""
    if not any(isinstance(part, Raw) for part in parts):
        return Raw(text("".join(parts)))
    inner = (
        "{{{}}}".format(part.replace('"', "'"))  # before 3.12 no quotes within quotes
        if isinstance(part, Raw)
        else "".join(_escaped(each, '"') for each in part).replace("{", "{{").replace("}", "}}")
        for part in parts
    )
    return Raw(f'f"{"".join(inner)}"')


def _escaped(character: str, quote: str) -> str:
    if character in "'\"":
        return f"\\{quote}" if character == quote else character
    return repr(character)[1:-1]


def flat(value: Any) -> str:
    """A value in one line. Raises `UnfitError` for what no literal is."""
    if isinstance(value, Call | dict | list | tuple):
        opening, items, closing = _bracketed(value)
        return f"{opening}{', '.join(prefix + flat(item) for prefix, item in items)}{closing}"
    return _atom(value)


def _atom(value: Any) -> str:
    if isinstance(value, Raw):
        return value
    if isinstance(value, str):
        return text(value)
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int | float) and -_LARGEST < value < _LARGEST:  # neither inf nor nan
        return repr(value)
    raise UnfitError("it holds a value that is no JSON")


def _bracketed(value: Any) -> tuple[str, list[tuple[str, Any]], str]:
    if isinstance(value, Call):
        named = [(f"{name}=" if name else "", each) for name, each in value.arguments]
        return f"{value.head}(", named, ")"
    if isinstance(value, dict):
        return "{", [(f"{text(str(key))}: ", each) for key, each in value.items()], "}"
    opening, closing = "()" if isinstance(value, tuple) else "[]"
    return opening, [("", each) for each in value], closing


def laid_out(before: str, value: Any, after: str = "", *, indent: int) -> list[str]:
    """The lines of `before`, the value and `after`, each within the width as far as that goes."""
    space = " " * indent
    line = f"{space}{before}{flat(value)}{after}"
    if len(line) <= WIDTH:
        return [line]
    if not isinstance(value, Call | dict | list | tuple):
        return _in_brackets(line, before, flat(value), after, indent)
    opening, items, closing = _bracketed(value)
    if not items:
        return [line]
    first, last = f"{space}{before}{opening}", f"{space}{closing}{after}"
    inner = f"{space}{STEP}{flat(value)[len(opening) : -len(closing)]}"
    if isinstance(value, Call) and len(inner) <= WIDTH:
        return [first, inner, last]
    return [first, *_one_by_one(items, indent + len(STEP)), last]


def _one_by_one(items: Sequence[tuple[str, Any]], indent: int) -> Iterator[str]:
    for prefix, item in items:
        yield from laid_out(prefix, item, ",", indent=indent)


def _in_brackets(line: str, before: str, atom: str, after: str, indent: int) -> list[str]:
    """A long value that is assigned goes into brackets where it then fits."""
    space = " " * indent
    is_assigned = re.fullmatch(r"\w+(?:: \w+)? = ", before) and not after
    if is_assigned and len(f"{space}{STEP}{atom}") <= WIDTH:
        return [f"{space}{before}(", f"{space}{STEP}{atom}", f"{space})"]
    return [line]


def imports(names: dict[str, set[str]]) -> list[str]:
    """Import statements, one for each module, sorted as isort does."""
    lines: list[str] = []
    for module in sorted(names):
        if not names[module]:
            lines.append(f"import {module}")
            continue
        members = sorted(names[module], key=_isort_key)
        line = f"from {module} import {', '.join(members)}"
        wrapped = [f"from {module} import (", *(f"{STEP}{each}," for each in members), ")"]
        lines += [line] if len(line) <= WIDTH else wrapped
    return lines


def _isort_key(name: str) -> tuple[int, str]:
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    return kind, name
