"""The description of the API (OpenAPI 3.1), made from the types that it reads and writes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

from smokegate import __version__
from smokegate.service.access.visitors import COOKIE
from smokegate.service.api.operations import OPERATIONS, Operation
from smokegate.service.api.problems import MEDIA_TYPE, Problem

PATH = "/api/openapi.json"
_JSON = "application/json"
_REF = "#/components/schemas/{name}"
_ABOUT = (
    "What every run left behind, as the pages show it; and runs can be asked for. Reading asks "
    "for the token where one is set and reading is not public; writing always does. Times are ISO "
    "8601 in UTC, durations seconds."
)

Node = dict[str, Any]


@cache
def description() -> bytes:
    """The description as JSON."""
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "smokegate", "version": __version__, "description": _ABOUT},
            "paths": _paths(),
            "components": {"schemas": _schemas(), "securitySchemes": _SCHEMES},
        }
    )


_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "The setting token."},
    "login": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "To read alone."},
}


def _paths() -> Node:
    paths: dict[str, Node] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return paths


def _described(operation: Operation) -> Node:
    told: Node = {
        "operationId": operation.answer.__name__,
        "summary": (operation.answer.__doc__ or "").partition("\n")[0],
        "parameters": list(_parameters(operation)),
        "responses": {
            str(operation.status.value): _reply(operation),
            "default": {"description": "It was refused.", "content": _content(Problem, MEDIA_TYPE)},
        },
        "security": [{"token": []}] if operation.writes else [{}, {"token": []}, {"login": []}],
    }
    if operation.given:
        told["requestBody"] = {"required": True, "content": _content(operation.given)}
    return told


def _parameters(operation: Operation) -> Iterator[Node]:
    """The members of what is asked: those that are in the path are required."""
    schema = msgspec.json.schema(operation.asked)
    members = schema["$defs"][operation.asked.__name__]["properties"]
    for name, member in members.items():
        is_in_path = f"{{{name}}}" in operation.path
        told = {"in": "path" if is_in_path else "query", "required": is_in_path}
        words = {"description": member.pop("description")} if "description" in member else {}
        yield {"name": name, **told, **words, "schema": member}


def _reply(operation: Operation) -> Node:
    if operation.reply is None:
        return {"description": "It is done."}
    words = (operation.reply.__doc__ or "").partition("\n")[0]
    content = _content(operation.reply)
    if operation.other:
        also = _content(operation.other)[_JSON]["schema"]
        content = {_JSON: {"schema": {"anyOf": [content[_JSON]["schema"], also]}}}
    return {"description": words, "content": content}


def _content(kind: type[Any], media_type: str = _JSON) -> Node:
    return {media_type: {"schema": {"$ref": _REF.format(name=kind.__name__)}}}


def _kinds(operation: Operation) -> tuple[type[Any] | None, ...]:
    return operation.reply, operation.other, operation.given


def _schemas() -> Node:
    kinds = [each for operation in OPERATIONS for each in _kinds(operation)]
    wanted = [Problem, *dict.fromkeys(filter(None, kinds))]
    return msgspec.json.schema_components(wanted, ref_template=_REF)[1]
