"""Projects that are drafted for in a test, and the descriptions that it is done from."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

from smokegate.cli import parser
from smokegate.scaffold import command

from smokegate import settings

HEALTH, WORKFLOWS = "test_production_health.py", "test_critical_workflows.py"
# All that a drafted file may call, beside structs.
CALLS = {
    *("expect", "gather", "field", "int", "urlencode", "log_in", "range", "removes"),
    *("encode", "get", "post", "patch", "delete", "request", "read", "json", "status", "header"),
    *("succeeded", "that", "skip", "unique", "email", "with_token", "saw_version"),
    *("_signed_in", "_keys"),
}
MODULES = {"__future__", "asyncio", "contract", "datetime", "msgspec", "resources", "smokegate"} | {
    *("typing", "uuid", "urllib.parse")
}


class Drafted:
    """A project of a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.suites = folder / "tests/smoke"

    def init(self, *arguments: str | Path) -> list[str]:
        """Run `smokegate init` in this process; what it told."""
        told: list[str] = []
        given = parser().parse_args(["init", *map(str, arguments), str(self.folder)])
        assert command.run(given, settings.load({}, {}, self.folder), told.append) == 0
        return told

    def from_openapi(self, document: Any) -> list[str]:
        path = self.folder.parent / "openapi.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document))
        return self.init("--openapi", path)

    def from_text(self, option: str, name: str, text: str) -> list[str]:
        path = self.folder.parent / name
        path.write_text(text, encoding="utf-8")
        return self.init(option, path)

    def text(self, name: str) -> str:
        return (self.suites / name).read_text(encoding="utf-8")

    @property
    def python(self) -> dict[str, str]:
        return {path.name: path.read_text("utf-8") for path in sorted(self.suites.glob("*.py"))}

    def check(self, name: str, file: str = WORKFLOWS) -> str:
        """The text of one check or resource."""
        text = self.text(file)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.AsyncFunctionDef) and node.name == name:
                return ast.get_source_segment(text, node) or ""
        raise LookupError(name)


def described(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "paths": paths, **more}


def answered(schema: Any = None, status: str = "200") -> dict[str, Any]:
    """Responses with one of success."""
    content = {"application/json": {"schema": schema}} if schema else {}
    return {status: {"description": "Well.", "content": content}}


def takes(schema: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


THING = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "size": {"type": "integer"},
    },
}
NEW_THING = {
    "type": "object",
    "required": ["name", "size", "kind"],
    "properties": {
        "name": {"type": "string", "maxLength": 40},
        "size": {"type": "integer", "minimum": 3},
        "kind": {"enum": ["round", "square"]},
        "note": {"type": "string"},
    },
}
THINGS: dict[str, Any] = {
    "/things": {
        "post": {"requestBody": takes(NEW_THING), "responses": answered(THING, "201")},
        "get": {"summary": "List things", "responses": answered({"type": "array"})},
    },
    "/things/{thing_id}": {
        "get": {"responses": answered(THING) | {"404": {"description": "No."}}},
        "delete": {"responses": {"204": {"description": "Gone."}}},
    },
}
