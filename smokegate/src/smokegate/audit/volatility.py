"""What differs between two live runs: found by laying one recording over another."""

from __future__ import annotations

from collections.abc import Iterator

from smokegate.audit.documents import REMOVED, at, paths
from smokegate.audit.recording import Volatile
from smokegate.audit.tape import Entry


def volatile(entries: list[Entry], others: list[Entry]) -> list[Volatile]:
    """The places whose value in a second run was another, or which it did not have."""
    twins = {(each.owner, each.number): each for each in others}
    found: dict[Volatile, None] = {}
    for entry in entries:
        twin = twins.get((entry.owner, entry.number))
        if twin is not None and twin.endpoint == entry.endpoint:
            found |= dict.fromkeys(_between(entry, twin))
    return list(found)


def _between(entry: Entry, twin: Entry) -> Iterator[Volatile]:
    owner, number = entry.owner, entry.number
    ours, theirs = _headers(entry), _headers(twin)
    for name, values in ours.items():
        if theirs.get(name) != values:
            yield Volatile(owner, number, "header", (name,))
    if not (entry.content.is_json and twin.content.is_json):
        return
    for every in (True, False):
        for path, value in paths(entry.content.document, every=every):
            other = at(twin.content.document, path)
            scalar = not isinstance(value, (dict, list))
            if path and scalar and (other is REMOVED or other != value):
                yield Volatile(owner, number, "field", path)


def _headers(entry: Entry) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in entry.content.exchange.reply_headers:
        found.setdefault(name.lower(), []).append(value)
    return found
