"""A Postman collection (2.0 and 2.1): each folder a scenario, of its tests the simple ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec

from smokegate.errors import UsageError
from smokegate.scaffold.openapi import listing, mapping
from smokegate.scaffold.steps import Scenario, Step
from smokegate.scaffold.unfit import UnfitError

_STATUS = re.compile(r"\.to\.have\.status\((\d{3})\)|\.code\)\.to\.(?:equal|eql)\((\d{3})\)")
# pm.expect(pm.response.json().user.name).to.eql("Ada"), or of a variable that holds the JSON.
_MEMBER = re.compile(
    r"pm\.expect\((?:pm\.response\.json\(\)|(\w+))((?:\.\w+|\[\d+\])+)\)"
    r"\.to\.(?:equal|eql|be\.equal)\((\"[^\"\\]*\"|'[^'\\\"]*'|-?\d+(?:\.\d+)?|true|false|null)\)"
)
_HOLDS_JSON = re.compile(r"(?:const|let|var)\s+(\w+)\s*=\s*pm\.response\.json\(\)")
_KEEPS = re.compile(
    r"pm\.\w+\.set\(\s*[\"'](\w+)[\"']\s*,\s*(?:pm\.response\.json\(\)|(\w+))((?:\.\w+|\[\d+\])+)\s*\)"
)
_DEEPEST = 20


def scenarios(document: dict[str, Any], where: str, name: str) -> list[Scenario]:
    """One scenario for each folder, and one for what stands in none. Raises `UsageError`."""
    items = [mapping(each) for each in listing(document.get("item"))]
    if not items:
        raise UsageError(f"{where}: it is no Postman collection: it has no items")
    variables = {
        str(each.get("key")): str(each.get("value", ""))
        for each in map(mapping, listing(document.get("variable")))
    }
    asked = mapping(document.get("auth"))
    loose = [each for each in items if "item" not in each]
    called = str(mapping(document.get("info")).get("name") or name)
    found = []
    if loose:
        found.append(Scenario(called, name, called, list(_steps(loose, asked, 0)), variables))
    for folder in items:
        if "item" in folder:
            words = str(folder.get("name") or name)
            source = f"{name}: {' '.join(words.split())[:80]}"
            found.append(
                Scenario(words, source, words, list(_steps([folder], asked, 0)), variables)
            )
    return found


def _steps(items: list[dict[str, Any]], auth: dict[str, Any], depth: int) -> Iterator[Step]:
    for item in items:
        own = mapping(item.get("auth")) or auth
        if "item" in item and depth < _DEEPEST:
            below = [mapping(each) for each in listing(item["item"])]
            yield from _steps(below, own, depth + 1)
        elif "request" in item:
            yield _step(item, own)


def _step(item: dict[str, Any], auth: dict[str, Any]) -> Step:
    request = item["request"]
    if isinstance(request, str):
        return _tested(Step("GET", request), item)
    request = mapping(request)
    url = request.get("url")
    raw = url if isinstance(url, str) else str(mapping(url).get("raw", ""))
    for each in map(mapping, listing(mapping(url).get("variable"))):
        raw = _put(raw, str(each.get("key")), str(each.get("value") or ""))
    step = Step(
        str(request.get("method", "GET")).upper(),
        raw,
        name=str(item.get("name", "")),
        headers=[
            (str(each.get("key")), str(each.get("value", "")))
            for each in map(mapping, listing(request.get("header")))
            if each.get("disabled") is not True
        ],
    )
    _let_in(step, mapping(request.get("auth")) or auth)
    try:
        _carry(step, mapping(request.get("body")))
    except UnfitError as error:
        step.flaw = str(error)
    return _tested(step, item)


def _put(url: str, name: str, value: str) -> str:
    """A URL with a variable of its path put in; one without a value stays a variable."""
    filled = f"/{value or f'{{{{{name}}}}}'}"
    return re.sub(rf"/:{re.escape(name)}(?=/|\?|$)", lambda _: filled, url)


def _let_in(step: Step, auth: dict[str, Any]) -> None:
    """Put credentials where they are sent."""
    kind = str(auth.get("type"))
    given = auth.get(kind)
    if isinstance(given, list):
        given = {str(mapping(each).get("key")): mapping(each).get("value") for each in given}
    named = mapping(given)
    if kind == "bearer":
        step.headers.append(("Authorization", f"Bearer {named.get('token', '')}"))
    elif kind == "basic":
        step.headers.append(("Authorization", "Basic {{basic_credentials}}"))
    elif kind == "apikey":
        key, value = str(named.get("key", "")), str(named.get("value", ""))
        step.secrets.append(("api_key", value))
        if named.get("in") == "query":
            step.url += f"{'&' if '?' in step.url else '?'}{key}={value}"
        else:
            step.headers.append((key, value))


def _carry(step: Step, body: dict[str, Any]) -> None:
    mode = body.get("mode")
    if mode == "raw":
        language = mapping(mapping(mapping(body.get("options")).get("raw"))).get("language", "")
        if body.get("raw"):
            step.carry(str(body["raw"]), str(language))
    elif mode == "urlencoded":
        step.form = [
            (str(each.get("key")), str(each.get("value", "")))
            for each in map(mapping, listing(body.get("urlencoded")))
            if each.get("disabled") is not True
        ]
    elif mode == "graphql":
        step.json = mapping(body.get("graphql"))
    elif mode:
        raise UnfitError("its body is made of files")


def _tested(step: Step, item: dict[str, Any]) -> Step:
    """Take over the simple tests of a request; what is not simple is not taken for anything."""
    for event in map(mapping, listing(item.get("event"))):
        lines = mapping(event.get("script")).get("exec")
        script = "\n".join(map(str, lines)) if isinstance(lines, list) else str(lines or "")
        if event.get("listen") != "test" or len(script) > 100_000:  # noqa: PLR2004 - hostile
            continue
        holders = set(_HOLDS_JSON.findall(script))
        found = _STATUS.search(script)
        if found:
            step.statuses = (int(found[1] or found[2]),)
        for holder, path, value in _MEMBER.findall(script):
            if not holder or holder in holders:
                step.demands += _demanded(_path(path), value)
        for name, holder, path in _KEEPS.findall(script):
            if not holder or holder in holders:
                step.captures[name] = _path(path)
    return step


def _demanded(
    path: tuple[str | int, ...], value: str
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The demand of a value as JavaScript writes it, where JSON can be read from that."""
    literal = f'"{value[1:-1]}"' if value[0] == "'" else value
    with suppress(msgspec.DecodeError):
        yield path, msgspec.json.decode(literal)


def _path(path: str) -> tuple[str | int, ...]:
    parts = re.findall(r"\.(\w+)|\[(\d{1,6})\]", path)
    return tuple(int(number) if number else name for name, number in parts)
