"""JSON documents: the paths in them, and copies that share all but the way to one change."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

Path = tuple[str | int, ...]
EVERY: Final = "*"
_IDENTIFIER = re.compile(
    r"^(?:[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"  # RFC 9562
    r"|[A-Za-z]{2,10}_[A-Za-z0-9]{8,}|[0-9a-fA-F]{12,}|[0-9A-HJKMNP-TV-Z]{26})$"
)
REMOVED: Final = object()
_SAMPLES = (0, -1)
_MOST_ITEMS = 1_000


def paths(document: Any, *, every: bool) -> Iterator[tuple[Path, Any]]:
    """Give every path in a document with its value, the document itself first.

    The items of a list count as one ("*", with all members that any of them has) or are represented
    by the first and the last.
    """
    waiting: list[tuple[Path, Any]] = [((), document)]
    given: set[Path] = set()
    while waiting:
        path, value = waiting.pop()
        if path not in given:
            given.add(path)
            yield path, value
        if isinstance(value, dict):
            waiting += [((*path, key), part) for key, part in reversed(value.items())]
        elif isinstance(value, list) and value:
            waiting += reversed(_items(path, value, every=every))


def _items(path: Path, items: list[Any], *, every: bool) -> list[tuple[Path, Any]]:
    if every:
        return [((*path, EVERY), item) for item in items[:_MOST_ITEMS]]
    numbers = dict.fromkeys(number % len(items) for number in _SAMPLES)
    return [((*path, number), items[number]) for number in numbers]


def at(document: Any, path: Path) -> Any:
    """The value at a path, that of the first item for every item; `REMOVED` if there is none."""
    for key in path:
        try:
            document = document[0 if key == EVERY and isinstance(document, list) else key]
        except (KeyError, IndexError, TypeError):
            return REMOVED
    return document


def changed(document: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """Copy a document with another value at a path; what does not lie on the way is shared.

    A document without such a path, or in which the change changes nothing, is given back itself.
    A change that gives `REMOVED` takes the member out of its object, or the item out of its list.
    """
    if not path:
        return change(document)
    key, rest = path[0], path[1:]
    if isinstance(document, dict) and key in document:
        part = changed(document[key], rest, change)
        return document if part is document[key] else _with_member(document, key, part)
    if isinstance(document, list):
        if key == EVERY:
            return _with_items(document, [changed(item, rest, change) for item in document])
        if isinstance(key, int) and -len(document) <= key < len(document):
            part = changed(document[key], rest, change)
            return document if part is document[key] else _with_item(document, key, part)
    return document


def _with_member(document: dict[str, Any], key: Any, part: Any) -> dict[str, Any]:
    copy = dict(document)
    if part is REMOVED:
        del copy[key]
    else:
        copy[key] = part
    return copy


def _with_items(document: list[Any], parts: list[Any]) -> list[Any]:
    if all(part is item for part, item in zip(parts, document, strict=True)):
        return document
    return [part for part in parts if part is not REMOVED]


def _with_item(document: list[Any], key: int, part: Any) -> list[Any]:
    copy = list(document)
    if part is REMOVED:
        del copy[key]
    else:
        copy[key] = part
    return copy


def another_value(value: Any) -> Any:
    """A value of the same type and form that is not the same."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1 if value + 1 != value else value / 2
    if isinstance(value, str):
        return another_text(value)
    if isinstance(value, list):
        return [*value, value[-1]] if value else [0]
    return {**value, "smokegate": "changed"} if not value else {"smokegate": "changed"}


def another_text(text: str) -> str:
    """A text of the same form: the last digit is another, or else the last letter."""
    for kind in (str.isdecimal, str.isalpha):
        for place in range(len(text) - 1, -1, -1):
            if text[place].isascii() and kind(text[place]):
                return text[:place] + _next(text[place]) + text[place + 1 :]
    return text + "x"


def of_another_type(value: Any) -> Any:
    """A value of another type that a careless reader would take for it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return int(value[:15]) if value.isdecimal() else 1
    if isinstance(value, list):
        return {}
    return [] if isinstance(value, dict) else "null"


def is_identifier(value: Any) -> bool:
    """Whether a value looks like the name of a thing: a UUID, a ULID, a prefixed or hex key."""
    return isinstance(value, str) and bool(_IDENTIFIER.match(value))


def _next(character: str) -> str:
    first, last = (
        ("0", "9") if character.isdecimal() else ("a", "z") if character.islower() else ("A", "Z")
    )
    return first if character == last else chr(ord(character) + 1)
