"""One operation as a call of the client: its path with what it must have, its headers, its body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from smokegate.scaffold.access import Entry
from smokegate.scaffold.instances import Instances
from smokegate.scaffold.openapi import Operation, mapping
from smokegate.scaffold.python import STEP, WIDTH, Call, Raw, f_text, flat, laid_out
from smokegate.scaffold.unfit import UnfitError

MARGIN = 8  # of the body of a method
_OWN = ("GET", "POST", "PATCH", "DELETE")
_LEFT_TO_CLIENT = ("accept", "content-type", "authorization")


def statement(before: str, value: Any, *, indent: int = MARGIN) -> list[str]:
    """A statement of a method's body, without the margin that it will have."""
    return [line[indent:] for line in laid_out(before, value, indent=indent)]


def demands(reply: str, *demanded: str) -> list[str]:
    """Demands on a reply in one chain, or in several where one is too long."""
    lines = [f"expect({reply})"]
    for each in demanded:
        if len(lines[-1]) + len(each) > WIDTH - MARGIN - len(STEP) and ")." in lines[-1]:
            lines.append(f"expect({reply})")
        lines[-1] += each
    return lines


def asked(
    operation: Operation,
    entry: Entry,
    instances: Instances,
    *,
    blanks: Mapping[str, Raw] | None = None,
    body: Any = None,
    fresh: bool = False,
) -> Call:
    """The call that sends an operation. Raises `UnfitError` for what nobody knows."""
    path, headers = _target(operation, instances, blanks or {})
    named: list[tuple[str, Any]] = [("", path)]
    if body is not None:
        named.append(("json", body))
    merged: Any = headers
    if entry.headers is not None:
        merged = Raw(f"{{**{entry.headers}, {_members(headers)}}}") if headers else entry.headers
    if merged:
        named.append(("headers", merged))
    if fresh:
        named.append(("fresh", True))
    return sent_by(entry.sender, operation.method, named)


def sent_by(sender: str, method: str, named: list[tuple[str, Any]]) -> Call:
    """The call of the client's method, or of `request` where it has none of its own."""
    if method in _OWN:
        return Call(f"await {sender}.{method.lower()}", named)
    return Call(f"await {sender}.request", [("", method), *named])


def path_of(operation: Operation, instances: Instances) -> Raw:
    """The path of an operation with what its query must have. Raises `UnfitError`."""
    return _target(operation, instances, {})[0]


def _members(headers: dict[str, str]) -> str:
    return flat(headers)[1:-1]


def _target(
    operation: Operation, instances: Instances, blanks: Mapping[str, Raw]
) -> tuple[Raw, dict[str, Any]]:
    parts = _path(operation, blanks)
    headers: dict[str, Any] = {}
    joiner = "&" if "?" in operation.path else "?"
    for parameter in operation.parameters:
        place, name = parameter.get("in"), str(parameter.get("name"))
        if parameter.get("required") is not True or place == "path":
            continue
        if place == "header" and name.lower() in _LEFT_TO_CLIENT:
            continue
        value = _value(parameter, name, instances)
        if place == "query":
            parts += [f"{joiner}{quote(name, safe='')}=", quote(str(value), safe="")]
            joiner = "&"
        elif place == "header" and name.isascii() and name.replace("-", "").isalnum():
            headers[name] = str(value)
        else:
            raise UnfitError("it needs a parameter that is neither in the query nor a header")
    return f_text(parts), headers


def _path(operation: Operation, blanks: Mapping[str, Raw]) -> list[str]:
    """A path in parts, what it leaves open filled in."""
    parts: list[str] = []
    rest = operation.path
    for name in operation.blanks:
        before, _, rest = rest.partition(f"{{{name}}}")
        if name not in blanks:
            raise UnfitError(f"it needs to know which {{{name}}}"[:60])
        parts += [before, blanks[name]]
    return [*parts, rest]


def _value(parameter: dict[str, Any], name: str, instances: Instances) -> Any:
    """A value for a parameter; a text is only taken as described."""
    unknown = UnfitError(f"it needs the parameter {name}"[:60])
    schema = mapping(parameter.get("schema"))
    value = instances.given(parameter, schema)
    if value is None:
        try:
            value = instances.of(schema)
        except UnfitError:
            raise unknown from None
        if isinstance(value, str):
            raise unknown
    if isinstance(value, list | dict) or value is None:
        raise unknown
    return str(value).lower() if isinstance(value, bool) else value
