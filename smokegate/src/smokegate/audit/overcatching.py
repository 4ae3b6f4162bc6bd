"""Over-catching: what every healthy deployment may do, and a suite must not turn red over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from smokegate.audit.content import Content
from smokegate.audit.rehearsal import Rehearsal, made
from smokegate.audit.tape import Entry
from smokegate.engine.conclusion import blocked, concluded
from smokegate.results import ResourceResult

_ADDED = [
    ("Via", "1.1 proxy.example"),
    ("X-Request-Id", "7f9c24e8b1d04a6f"),
    ("Server-Timing", "proxy;dur=1.5"),
    ("Age", "0"),
]


class OverCatch(msgspec.Struct, frozen=True):
    """A check that turned red over something harmless."""

    condition: str
    check: str
    reason: str


async def over_catching(rehearsal: Rehearsal) -> list[OverCatch]:
    """Replay everything under each harmless condition; give the checks that do not pass then."""
    found: list[OverCatch] = []
    for condition, change in CONDITIONS.items():
        contents = {id(each): _unless_troubled(change, each) for each in rehearsal.entries}
        found += await _under(condition, rehearsal, lambda e, c=contents: c.get(id(e), e.content))  # type: ignore[misc]
    return found


async def _under(
    condition: str, rehearsal: Rehearsal, change: Callable[[Entry], Content]
) -> list[OverCatch]:
    values: dict[str, Any] = {}
    failed: dict[str, ResourceResult] = {}
    stage = rehearsal.stage
    for resource in rehearsal.resources:
        if Rehearsal.root_of(resource.needs, failed) is None:
            replayed = await stage.resource(resource, values, stage.playback(resource.name, change))
            if replayed.outcome.passes:
                values[resource.name] = replayed.value
            else:
                failed[resource.name] = made(resource.name, replayed)
    found = []
    for check in rehearsal.plan.checks:
        before = rehearsal.checks[check.id]
        if check.id in rehearsal.unstable or before.outcome.fails:
            continue
        root = Rehearsal.root_of(check.needs, failed)
        if root is not None:
            result = blocked(check, root)
        else:
            replayed = await stage.check(check, values, stage.playback(check.id, change))
            result = concluded(check, [replayed.ended])
        if result.outcome != before.outcome and not result.outcome.passes:
            found.append(OverCatch(condition, check.id, result.reason))
    return found


def _unless_troubled(change: Callable[[Content], Content], entry: Entry) -> Content:
    troubled = entry.content.exchange.trouble is not None
    return entry.content if troubled else change(entry.content)


def _extra_fields(content: Content) -> Content:
    return content.with_document(_with_extra(content.document)) if content.is_json else content


def _with_extra(value: Any) -> Any:
    if isinstance(value, dict):
        return {**{key: _with_extra(part) for key, part in value.items()}, "added_later": {"x": 1}}
    return [_with_extra(part) for part in value] if isinstance(value, list) else value


def _other_order(content: Content) -> Content:
    return content.with_document(_reversed(content.document)) if content.is_json else content


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(part) for part in value] if isinstance(value, list) else value


def _with_spaces(content: Content) -> Content:
    if not content.is_json:
        return content
    import json

    indented = json.dumps(content.document, indent=2, ensure_ascii=True)
    return content.with_body(indented.encode())


def _capitals(content: Content) -> Content:
    headers = content.exchange.reply_headers
    return content.with_headers([(name.upper(), value) for name, value in headers])


def _small_letters(content: Content) -> Content:
    headers = content.exchange.reply_headers
    return content.with_headers([(name.lower(), value) for name, value in headers])


def _proxied(content: Content) -> Content:
    return content.with_headers([*content.exchange.reply_headers, *_ADDED])


def _with_charset(content: Content) -> Content:
    return content.with_headers(
        [
            (name, f"{value}; charset=utf-8") if _is_plain_json(name, value) else (name, value)
            for name, value in content.exchange.reply_headers
        ]
    )


def _is_plain_json(name: str, value: str) -> bool:
    return name.lower() == "content-type" and value.lower() == "application/json"


def _slower(content: Content) -> Content:
    return content.later(0.3)


CONDITIONS: dict[str, Callable[[Content], Content]] = {
    "extra fields in every JSON object": _extra_fields,
    "the members of JSON objects in another order": _other_order,
    "JSON indented and with escapes": _with_spaces,
    "header names in capitals": _capitals,
    "header names in small letters": _small_letters,
    "headers added by a proxy": _proxied,
    "a charset behind the media type": _with_charset,
    "every reply 300 ms later": _slower,
}
