"""A declared contract: which members of a reply an OpenAPI document names.

OpenAPI 3.0 and 3.1, of which the schemas of JSON bodies are read. Where a document says nothing of
an endpoint, or leaves its body open, everything counts as declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from smokegate.audit.documents import EVERY
from smokegate.audit.documents import Path as Place
from smokegate.engine import Plan
from smokegate.errors import UsageError

FILE = "openapi.json"
_PARAMETER = re.compile(r"\{[^{}/]*\}")
_COMPOSED = ("allOf", "anyOf", "oneOf")
_DEEPEST = 50

Schema = dict[str, Any]


class Contract:
    """The bodies of replies that an OpenAPI document declares."""

    def __init__(self, document: Schema) -> None:
        self._document = document
        self._schemas: dict[tuple[str, str], list[Schema]] = {}
        base = _base_path(document)
        for template, operations in _mapping(document.get("paths")).items():
            for method, operation in _mapping(operations).items():
                endpoint = f"{method.upper()} {base}{_PARAMETER.sub('{}', template)}"
                for status, response in _mapping(_mapping(operation).get("responses")).items():
                    group = "success" if str(status).startswith("2") else "refusal"
                    there = self._schemas.setdefault((endpoint, group), [])
                    there += self._bodies(_mapping(response))

    def declares(self, endpoint: str, group: str, path: Place) -> bool:
        """Whether a member is declared, or nothing is said that would leave it out."""
        schemas = self._schemas.get((endpoint, group))
        return not schemas or any(self._has(schema, path) for schema in schemas)

    def _bodies(self, response: Schema) -> Iterator[Schema]:
        for media_type, content in _mapping(self._resolved(response).get("content")).items():
            if "json" in media_type:
                yield _mapping(_mapping(content).get("schema"))

    def _has(self, schema: Schema, path: Place, depth: int = 0) -> bool:
        schema = self._resolved(schema)
        if not path or not schema or depth > _DEEPEST:
            return True
        parts = [part for word in _COMPOSED for part in _sequence(schema.get(word))]
        if any(self._has(_mapping(part), path, depth + 1) for part in parts):
            return True
        key, rest = path[0], path[1:]
        if isinstance(key, int) or key == EVERY:
            items = [schema.get("items"), *_sequence(schema.get("prefixItems"))]
            given = [each for each in items if isinstance(each, dict)]
            return not given or any(self._has(each, rest, depth + 1) for each in given)
        properties = _mapping(schema.get("properties"))
        if key in properties:
            return self._has(_mapping(properties[key]), rest, depth + 1)
        others = schema.get("additionalProperties", False)
        if isinstance(others, dict):
            return self._has(others, rest, depth + 1)
        is_open = not properties and not parts and "items" not in schema
        return others is True or is_open

    def _resolved(self, schema: Schema) -> Schema:
        for _ in range(_DEEPEST):
            reference = schema.get("$ref")
            if not isinstance(reference, str) or not reference.startswith("#/"):
                return schema
            found: Any = self._document
            for part in reference[2:].split("/"):
                found = _mapping(found).get(part.replace("~1", "/").replace("~0", "~"))
            schema = _mapping(found)
        return {}


def contract_of(plan: Plan, given: str) -> Contract | None:
    """The contract in a file, or in the `openapi.json` beside the suites; none if there is none.

    Raises `UsageError`, in one line, for a file that is none, and where there are several.
    """
    beside = {check.file.parent / FILE: None for check in plan.checks}
    files = [Path(given)] if given else [file for file in beside if file.is_file()]
    if len(files) > 1:
        raise UsageError(f"{files[0]} and {files[1]}: say with --openapi which is the contract")
    return _read(files[0]) if files else None


def _read(file: Path) -> Contract:
    try:
        document = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"{file}: not an OpenAPI document in JSON: {error}") from None
    if not str(document.get("openapi", "")).startswith("3."):
        raise UsageError(f"{file}: not an OpenAPI document of version 3")
    return Contract(document)


def _base_path(document: Schema) -> str:
    """The path that the first server's URL puts before all others."""
    servers = _sequence(document.get("servers"))
    url = _mapping(servers[0]).get("url") if servers else ""
    try:
        return urlsplit(str(url)).path.rstrip("/")
    except ValueError:
        return ""


def _sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
