"""What each operator does to a recorded reply."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from smokegate.audit.content import Content
from smokegate.audit.documents import REMOVED, another_text, another_value, changed, of_another_type
from smokegate.audit.mutants import Mutant
from smokegate.audit.semantic import Declared, Seen
from smokegate.audit.tape import Entry
from smokegate.client.transport import Headers
from smokegate.errors import SuiteError

SLOW_S = 10.0
ELSEWHERE = "https://elsewhere.invalid/"
_FOUND = 302
_PAGE = b"<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body>It works</body></html>\n"
_NUMBER = re.compile(r"\d+")


class Breaker:
    """Applies mutants to the replies of a recording.

    `declared` are the faults of the suites' authors, by their titles.
    """

    def __init__(self, entries: list[Entry], declared: dict[str, Declared]) -> None:
        self._entries = entries
        self._declared = declared
        self._contents = {(each.owner, each.number): each.content for each in entries}

    def broken(self, mutant: Mutant, entry: Entry) -> Content:
        """The reply as the mutant breaks it; the same object where it changes nothing."""
        if entry.content.exchange.trouble is not None:
            return entry.content
        return _BY_LAYER[mutant.layer](self, mutant, entry)

    def _transport(self, mutant: Mutant, entry: Entry) -> Content:
        content = entry.content
        if mutant.operator == "silent":
            return content.without_reply("silent", after_s=float("inf"))
        if mutant.operator == "truncated" and not content.body:
            return content
        return content.without_reply(mutant.operator)

    def _status(self, mutant: Mutant, entry: Entry) -> Content:
        content = entry.content
        if mutant.operator == "redirect elsewhere":
            return _with_header(content, "location", ELSEWHERE).with_status(_FOUND)
        if content.status // 100 == mutant.value // 100:
            return content
        return content.with_status(mutant.value)

    def _latency(self, _: Mutant, entry: Entry) -> Content:
        return entry.content.later(SLOW_S)

    def _body(self, mutant: Mutant, entry: Entry) -> Content:
        content = entry.content
        if not content.body:
            return content
        match mutant.operator:
            case "empty":
                return content.with_body(b"")
            case "cut short":
                return content.with_body(content.body[: len(content.body) // 2])
            case "HTML":
                page = _with_header(content, "content-type", "text/html; charset=utf-8")
                return page.with_body(_PAGE)
            case "stale":
                earlier = mutant.value.get(f"{entry.owner} {entry.number}")
                return content.with_body(self._contents[earlier].body) if earlier else content
        other = self._contents[mutant.value].body
        return content if other == content.body else content.with_body(other)

    def _header(self, mutant: Mutant, entry: Entry) -> Content:
        content, name = entry.content, str(mutant.path[0])
        headers = content.exchange.reply_headers
        others = _without(headers, name)
        if len(others) == len(headers):
            return content
        if mutant.operator == "removed":
            return content.with_headers(others)
        return content.with_headers(
            [
                (each, _another_header(value) if each.lower() == name else value)
                for each, value in headers
            ]
        )

    def _field(self, mutant: Mutant, entry: Entry) -> Content:
        content = entry.content
        if not content.is_json:
            return content
        change = _CHANGES[mutant.operator](mutant.value)
        document = changed(content.document, mutant.path, change)
        return content if document is content.document else content.with_document(document)

    def _semantic(self, mutant: Mutant, entry: Entry) -> Content:
        declared = self._declared[mutant.operator]
        try:
            seen = declared(Seen(entry, entry.content, self._entries))
            content = entry.content if seen is None else seen.content
            return entry.content if content.says_the_same_as(entry.content) else content
        except Exception as error:
            where = f"{declared.__module__}.py: the fault {mutant.operator!r}"
            raise SuiteError(f"{where}: {type(error).__name__}: {error}") from error


def _unless_none(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else change(value)


_CHANGES: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "removed": lambda _: lambda _value: REMOVED,
    "null": lambda _: lambda _value: None,
    "changed": lambda _: _unless_none(another_value),
    "of another type": lambda _: of_another_type,
    "blank": lambda _: lambda value: "" if isinstance(value, str) else value,
    "emptied": lambda _: lambda value: [] if value and isinstance(value, list) else value,
    "shortened": lambda _: lambda value: value[:-1] if isinstance(value, list) and value else value,
    "swapped": lambda two: lambda value: two[value == two[0]] if isinstance(value, str) else value,
}
_BY_LAYER: dict[str, Callable[[Breaker, Mutant, Entry], Content]] = {
    "transport": Breaker._transport,
    "status": Breaker._status,
    "latency": Breaker._latency,
    "body": Breaker._body,
    "header": Breaker._header,
    "field": Breaker._field,
    "semantic": Breaker._semantic,
}


def _with_header(content: Content, name: str, value: str) -> Content:
    return content.with_headers([*_without(content.exchange.reply_headers, name), (name, value)])


def _without(headers: Headers, name: str) -> Headers:
    return [each for each in headers if each[0].lower() != name]


def _another_header(value: str) -> str:
    """A value that means something else: another media type, 0 for a number, another word."""
    if "/" in value:
        return "text/plain" if value.lower().startswith("text/html") else "text/html"
    without = _NUMBER.sub("0", value)
    return without if without != value else another_text(value)
