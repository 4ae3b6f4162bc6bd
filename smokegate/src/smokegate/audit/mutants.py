"""Mutants: faults as plain data, found in the traffic of a recording.

Two families. *Endpoint*: the same fault on every reply of a method and path template, as a bad
deployment shows it; a header that most endpoints send is set in one place and breaks as one.
*Reply*: the fault on one reply only, which shows where a check is blind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Literal

import msgspec

from smokegate.audit.documents import EVERY, Path, is_identifier, paths
from smokegate.audit.tape import Entry

Family = Literal["endpoint", "reply", "semantic"]
Layer = Literal["transport", "status", "body", "field", "header", "latency", "semantic"]
EVERYWHERE = "every endpoint"

_TRANSPORT = ("refused", "reset", "silent", "truncated")
_STATUSES = (200, 404, 500)
_FEWEST_ENDPOINTS = 2


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """One fault: which operator breaks what, and where.

    `path` leads to a member of the JSON body ("*" is every item of a list), or names a header.
    `group` says which replies of an endpoint have that member: those of success or the others.
    `value` is what the operator needs: a status, an identifier, the exchange to take a body from.
    `declared` is the row of a semantic mutant in the list of faults that its author keeps.
    """

    family: Family
    layer: Layer
    operator: str
    endpoint: str
    owner: str = ""
    number: int = 0
    path: Path = ()
    group: Literal["", "success", "refusal"] = ""
    value: Any = None
    declared: str = ""

    @property
    def words(self) -> str:
        """Where it strikes and what it does, in one line."""
        if self.layer == "semantic":
            return self.operator
        at_reply = f" (reply {self.number} of {self.owner})" if self.number else ""
        return f"{self.endpoint}{at_reply}: {self.what}"

    @property
    def what(self) -> str:
        """What it does."""
        if self.layer == "field":
            return f"{member(self.path)} {self.operator}"
        if self.layer == "header":
            return f"header {self.path[0]} {self.operator}"
        return self.operator

    def strikes(self, entry: Entry) -> bool:
        """Whether an exchange is one of those that it breaks."""
        if self.number:
            return entry.owner == self.owner and entry.number == self.number
        if self.endpoint not in (entry.endpoint, EVERYWHERE):
            return False
        return self.group in ("", entry.group)


def member(path: Path) -> str:
    """Write a path as people do: items[*].id."""
    words = ""
    for key in path:
        words += f"[{key}]" if isinstance(key, int) or key == EVERY else f".{key}"
    return words.removeprefix(".") or "the body"


# Makes a mutant of some place.
Make = Callable[..., Mutant]


def mutants_of(entries: list[Entry]) -> list[Mutant]:
    """All mutants of a recording's exchanges, always in the same order."""
    answered = [entry for entry in entries if entry.content.exchange.trouble is None]
    by_endpoint: dict[str, list[Entry]] = defaultdict(list)
    for entry in answered:
        by_endpoint[entry.endpoint].append(entry)
    everywhere = _headers_everywhere(by_endpoint)
    others = _Others(answered)
    found: list[Mutant] = []
    for endpoint, there in sorted(by_endpoint.items()):
        found += _endpoint_family(endpoint, there, everywhere, others)
    found += _of_headers(
        partial(Mutant, family="endpoint", endpoint=EVERYWHERE), sorted(everywhere)
    )
    for entry in _first_and_last_of_each(answered):
        found += _reply_family(entry, others)
    return found


def _first_and_last_of_each(entries: list[Entry]) -> list[Entry]:
    """Of the same request sent many times by one owner, the first reply and the last."""
    alike: dict[Any, list[Entry]] = defaultdict(list)
    for entry in entries:
        alike[entry.owner, entry.key].append(entry)
    return [each for there in alike.values() for each in dict.fromkeys((there[0], there[-1]))]


class _Others:
    """Where a body or an identifier of another exchange is to be had."""

    def __init__(self, answered: list[Entry]) -> None:
        self._with_json = [each for each in answered if each.content.is_json]
        self._identifiers: dict[str, dict[str, None]] = defaultdict(dict)
        for entry in self._with_json:
            for _, value in paths(entry.content.document, every=True):
                if is_identifier(value):
                    self._identifiers[_shape(value)].setdefault(value)
        self._earlier: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        for entry in answered:
            self._earlier[entry.owner, entry.recorded.request.url].append(entry)

    def body_for(self, entry: Entry) -> tuple[str, int] | None:
        """An exchange of another endpoint whose JSON could be mistaken for an answer."""
        for other in self._with_json:
            if other.endpoint != entry.endpoint and other.group == "success":
                return other.owner, other.number
        return None

    def earlier_than(self, entry: Entry) -> tuple[str, int] | None:
        """An earlier exchange of the same owner and URL that had another body."""
        before = None
        for other in self._earlier[entry.owner, entry.recorded.request.url]:
            if other is entry:
                break
            same_kind = other.recorded.request.method == "GET" == entry.recorded.request.method
            if same_kind and other.content.body != entry.content.body:
                before = other
        return None if before is None else (before.owner, before.number)

    def identifier_for(self, value: str) -> str | None:
        """Another identifier of the same form in the traffic."""
        alike = self._identifiers[_shape(value)]
        return next((each for each in alike if each != value), None)


def _endpoint_family(
    endpoint: str, entries: list[Entry], everywhere: set[str], others: _Others
) -> Iterator[Mutant]:
    mutant = partial(Mutant, family="endpoint", endpoint=endpoint)
    yield from _of_whole_replies(mutant, entries, others)
    yield from _of_headers(mutant, sorted(_header_names(entries) - everywhere))
    for group in ("success", "refusal"):
        there = [each for each in entries if each.group == group and each.content.is_json]
        yield from _of_members(partial(mutant, group=group), _members(there).items(), others)


def _reply_family(entry: Entry, others: _Others) -> Iterator[Mutant]:
    mutant = partial(
        Mutant, family="reply", endpoint=entry.endpoint, owner=entry.owner, number=entry.number
    )
    yield from _of_whole_replies(mutant, [entry], others)
    yield from _of_headers(mutant, sorted(_header_names([entry])))
    if entry.content.is_json:
        yield from _of_members(mutant, paths(entry.content.document, every=False), others)


def _of_whole_replies(mutant: Make, entries: list[Entry], others: _Others) -> Iterator[Mutant]:
    for kind in _TRANSPORT:
        yield mutant(layer="transport", operator=kind)
    for status in _other_statuses(entries):
        yield mutant(layer="status", operator=f"status {status}", value=status)
    yield mutant(layer="status", operator="redirect elsewhere")
    yield mutant(layer="latency", operator="slow")
    if any(entry.content.body for entry in entries):
        for operator in ("empty", "cut short", "HTML"):
            yield mutant(layer="body", operator=operator)
        other = others.body_for(entries[0])
        if other:
            yield mutant(layer="body", operator="another endpoint's", value=other)
    earlier = _stale_bodies(entries, others)
    if earlier:
        yield mutant(layer="body", operator="stale", value=earlier)


def _of_headers(mutant: Make, names: Iterable[str]) -> Iterator[Mutant]:
    for name in names:
        for operator in ("removed", "changed"):
            yield mutant(layer="header", operator=operator, path=(name,))


def _of_members(
    mutant: Make, members: Iterable[tuple[Path, Any]], others: _Others
) -> Iterator[Mutant]:
    for path, value in members:
        for operator, needed in _field_operators(path, value, others):
            yield mutant(layer="field", operator=operator, path=path, value=needed)


def _header_names(entries: list[Entry]) -> set[str]:
    return {name.lower() for each in entries for name, _ in each.content.exchange.reply_headers}


def _members(entries: list[Entry]) -> dict[Path, Any]:
    """Every member that some of these bodies have, with a value of it, not null if there is one."""
    found: dict[Path, Any] = {}
    for entry in entries:
        for path, value in paths(entry.content.document, every=True):
            if found.get(path) is None:
                found[path] = value
    return found


def _field_operators(path: Path, value: Any, others: _Others) -> Iterator[tuple[str, Any]]:
    if not path:
        return
    if isinstance(path[-1], str) and path[-1] != EVERY:
        yield "removed", None
    if value is not None:
        yield "null", None
        yield "changed", None
    yield "of another type", None
    if isinstance(value, str) and value:
        yield "blank", None
    if isinstance(value, list) and value:
        yield "emptied", None
        if len(value) > 1:
            yield "shortened", None
    if is_identifier(value):
        other = others.identifier_for(value)
        if other is not None:
            yield "swapped", (value, other)


def _headers_everywhere(by_endpoint: dict[str, list[Entry]]) -> set[str]:
    """The headers that more than half of all endpoints send, the body's own kind left out."""
    counts: dict[str, int] = defaultdict(int)
    for entries in by_endpoint.values():
        for name in _header_names(entries):
            counts[name] += 1
    half = max(_FEWEST_ENDPOINTS, len(by_endpoint) / 2)
    return {name for name, count in counts.items() if count > half} - {"content-type"}


def _other_statuses(entries: list[Entry]) -> list[int]:
    """One status of each class that not all of them have."""
    classes = {entry.content.status // 100 for entry in entries}
    return [status for status in _STATUSES if classes != {status // 100}]


def _stale_bodies(entries: list[Entry], others: _Others) -> dict[str, tuple[str, int]]:
    """Where each reply that is not the first of its kind takes its body from."""
    found = {f"{each.owner} {each.number}": others.earlier_than(each) for each in entries}
    return {place: earlier for place, earlier in found.items() if earlier}


def _shape(value: str) -> str:
    return "".join("x" if each.isalnum() else each for each in value)
