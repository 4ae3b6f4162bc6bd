"""What each operator does to a recorded reply."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from smokegate.audit.content import Content
from smokegate.audit.documents import REMOVED, another_text, another_value, changed, of_another_type
from smokegate.audit.mutants import Mutant
from smokegate.audit.semantic import Declared, Seen
from smokegate.audit.tape import Entry
from smokegate.errors import SuiteError

SLOW_S = 10.0
ELSEWHERE = "https://elsewhere.invalid/"
_FOUND = 302
_PAGE = b"<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body>It works</body></html>\n"
_NUMBER = re.compile(r"\d+")

Bodies = Callable[[str, int], Content]


class _Case(NamedTuple):
    mutant: Mutant
    entry: Entry
    content: Content


class Breaker:
    """Applies mutants; `bodies` gives the recorded reply of an owner by its number.

    `declared` are the faults of the suites' authors, by their titles.
    """

    def __init__(self, bodies: Bodies, declared: dict[str, Declared], entries: list[Entry]) -> None:
        self._bodies = bodies
        self._declared = declared
        self._entries = entries

    def broken(self, mutant: Mutant, entry: Entry) -> Content:
        """The reply as the mutant breaks it; the same object where it changes nothing."""
        if entry.content.exchange.trouble is not None:
            return entry.content
        return _BY_LAYER[mutant.layer](self, _Case(mutant, entry, entry.content))

    def _transport(self, case: _Case) -> Content:
        if case.mutant.operator == "silent":
            return case.content.without_reply("silent", after_s=float("inf"))
        if case.mutant.operator == "truncated" and not case.content.body:
            return case.content
        return case.content.without_reply(case.mutant.operator)

    def _status(self, case: _Case) -> Content:
        if case.mutant.operator == "redirect elsewhere":
            headers = [each for each in _headers(case.content) if each[0].lower() != "location"]
            return case.content.with_headers([*headers, ("location", ELSEWHERE)]).with_status(
                _FOUND
            )
        if case.content.status // 100 == case.mutant.value // 100:
            return case.content
        return case.content.with_status(case.mutant.value)

    def _latency(self, case: _Case) -> Content:
        return case.content.later(SLOW_S)

    def _body(self, case: _Case) -> Content:
        if not case.content.body:
            return case.content
        match case.mutant.operator:
            case "empty":
                return case.content.with_body(b"")
            case "cut short":
                return case.content.with_body(case.content.body[: len(case.content.body) // 2])
            case "HTML":
                others = [
                    each for each in _headers(case.content) if each[0].lower() != "content-type"
                ]
                page = case.content.with_headers(
                    [*others, ("content-type", "text/html; charset=utf-8")]
                )
                return page.with_body(_PAGE)
            case "stale":
                earlier = case.mutant.value.get(f"{case.entry.owner} {case.entry.number}")
                return (
                    case.content.with_body(self._bodies(*earlier).body) if earlier else case.content
                )
        other = self._bodies(*case.mutant.value)
        return (
            case.content if other.body == case.content.body else case.content.with_body(other.body)
        )

    def _header(self, case: _Case) -> Content:
        name, headers = case.mutant.path[0], _headers(case.content)
        if all(each.lower() != name for each, _ in headers):
            return case.content
        if case.mutant.operator == "removed":
            return case.content.with_headers([each for each in headers if each[0].lower() != name])
        return case.content.with_headers(
            [
                (each, _another_header(value) if each.lower() == name else value)
                for each, value in headers
            ]
        )

    def _field(self, case: _Case) -> Content:
        if not case.content.is_json:
            return case.content
        document = changed(
            case.content.document,
            case.mutant.path,
            _CHANGES[case.mutant.operator](case.mutant.value),
        )
        return (
            case.content
            if document is case.content.document
            else case.content.with_document(document)
        )

    def _semantic(self, case: _Case) -> Content:
        declared = self._declared[case.mutant.operator]
        try:
            seen = declared(Seen(case.entry, case.content, self._entries))
            content = case.content if seen is None else seen.content
            return case.content if content.says_the_same_as(case.content) else content
        except Exception as error:
            where = f"{declared.__module__}.py: the fault {case.mutant.operator!r}"
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
_BY_LAYER: dict[str, Callable[[Breaker, _Case], Content]] = {
    "transport": Breaker._transport,
    "status": Breaker._status,
    "latency": Breaker._latency,
    "body": Breaker._body,
    "header": Breaker._header,
    "field": Breaker._field,
    "semantic": Breaker._semantic,
}


def _headers(content: Content) -> list[tuple[str, str]]:
    return content.exchange.reply_headers


def _another_header(value: str) -> str:
    """A value that means something else: another media type, 0 for a number, another word."""
    if "/" in value:
        return "text/plain" if value.lower().startswith("text/html") else "text/html"
    without = _NUMBER.sub("0", value)
    return without if without != value else another_text(value)
