"""An OpenAPI 3 description as a list of operations; nothing in it is trusted to be well formed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from smokegate.errors import UsageError
from smokegate.scaffold.unfit import UnfitError

METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
_MOST_OPERATIONS = 5_000
_MOST_HOPS = 20
_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json(?:;|$)", re.IGNORECASE)
_PATH = re.compile(r"/[!#-&(-\[\]-~]*")  # no quotes, no backslashes
_LONGEST_PATH = 500


@dataclass(frozen=True)
class Operation:
    """One operation: a method and a path, with what it takes and answers."""

    method: str
    path: str
    name: str
    summary: str
    parameters: list[dict[str, Any]] = field(repr=False)
    body: dict[str, Any] | None = field(repr=False)
    responses: dict[str, Any] = field(repr=False)
    schemes: list[str]
    is_deprecated: bool

    @property
    def key(self) -> str:
        """How it is called in what is drafted from it."""
        return f"{self.method} {self.path}"

    @property
    def is_secured(self) -> bool:
        """Whether nobody may call it without credentials."""
        return bool(self.schemes)

    @property
    def blanks(self) -> list[str]:
        """The names of what its path leaves open."""
        return re.findall(r"{([^{}]*)}", self.path)


class Description:
    """An OpenAPI description. Raises `UsageError` for one that is none, or of another version."""

    def __init__(self, document: dict[str, Any], where: str) -> None:
        self.document = document
        self.where = where
        if "swagger" in document:
            raise UsageError(f"{where}: Swagger 2.0 is not supported; convert it to OpenAPI 3")
        if not str(document.get("openapi", "")).startswith("3."):
            raise UsageError(f"{where}: it is no OpenAPI 3 description: it has no openapi: 3.x")
        if not mapping(document.get("paths")):
            raise UsageError(f"{where}: it describes no paths")

    @property
    def server(self) -> str:
        """Where the service is, as far as the description says; the first server."""
        first = next(iter(listing(self.document.get("servers"))), None)
        described = self.resolved(first)
        url = str(described.get("url") or "")
        for name, each in mapping(described.get("variables")).items():
            url = url.replace(f"{{{name}}}", str(mapping(each).get("default", "")))
        base = self.where if self.where.startswith(("http://", "https://")) else ""
        try:
            return urljoin(base, url)
        except ValueError:
            return ""

    @property
    def origin(self) -> str:
        """Where the service is, if that is no pattern; else empty."""
        first = mapping(next(iter(listing(self.document.get("servers"))), None))
        return "" if "{" in str(first.get("url")) else self.server

    @property
    def prefix(self) -> str:
        """What stands before each path, as in /v1."""
        try:
            path = urlsplit(self.server).path.rstrip("/")
        except ValueError:
            return ""
        is_prefix = mapping(next(iter(listing(self.document.get("servers"))), None)).get("url")
        return path if is_prefix and _PATH.fullmatch(path) else ""

    def scheme(self, name: str) -> dict[str, Any]:
        """A security scheme."""
        components = mapping(self.document.get("components"))
        return self.resolved(mapping(components.get("securitySchemes")).get(name))

    def resolved(self, value: Any) -> dict[str, Any]:
        """An object, or the one that it refers to; empty where there is none."""
        for _ in range(_MOST_HOPS):
            found = mapping(value)
            reference = found.get("$ref")
            if not isinstance(reference, str):
                return found
            value = self.at(reference)
        return {}

    def at(self, reference: str) -> Any:
        """What a reference within the description leads to."""
        if not reference.startswith("#/"):
            return None
        value: Any = self.document
        for part in reference.removeprefix("#/").split("/"):
            value = mapping(value).get(part.replace("~1", "/").replace("~0", "~"))
        return value

    def operations(self) -> list[Operation]:
        """Every operation, in the order of the description."""
        found: list[Operation] = []
        for path, item in mapping(self.document["paths"]).items():
            found += self._operations_at(str(path), self.resolved(item))
            if len(found) > _MOST_OPERATIONS:
                raise UsageError(f"{self.where}: it has more than {_MOST_OPERATIONS:,} operations")
        return found

    def _operations_at(self, path: str, item: dict[str, Any]) -> Iterator[Operation]:
        whole = self.prefix + path
        if not _PATH.fullmatch(path) or "#" in path or len(whole) > _LONGEST_PATH:
            return
        for method in METHODS:
            described = mapping(item.get(method))
            if not described:
                continue
            yield Operation(
                method=method.upper(),
                path=whole,
                name=_name(described, method, path),
                summary=str(described.get("summary") or ""),
                parameters=self._parameters(item, described),
                body=self.resolved(described.get("requestBody")) or None,
                responses={
                    str(status): each
                    for status, each in mapping(described.get("responses")).items()
                },
                schemes=self._schemes(described),
                is_deprecated=described.get("deprecated") is True,
            )

    def _parameters(self, *holders: dict[str, Any]) -> list[dict[str, Any]]:
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for holder in holders:
            for each in map(self.resolved, listing(holder.get("parameters"))):
                found[str(each.get("in")), str(each.get("name"))] = each
        return list(found.values())

    def _schemes(self, operation: dict[str, Any]) -> list[str]:
        """The names of the first schemes that let in; none if nothing is needed."""
        asked = operation.get("security", self.document.get("security"))
        ways = [mapping(each) for each in listing(asked)]
        return [str(name) for name in ways[0]] if ways and all(ways) else []

    def success(self, operation: Operation) -> tuple[int, dict[str, Any], str]:
        """The status of success, its schema where it is JSON, and its media type.

        Raises `UnfitError` where no success is described.
        """
        for status, response in sorted(operation.responses.items()):
            if re.fullmatch(r"2\d\d", status):
                schema, media_type = self._content(self.resolved(response))
                return int(status), schema, media_type
        raise UnfitError("no status of success is described")

    def refuses_with(self, operation: Operation, *statuses: str) -> list[int]:
        """Which of these statuses the operation describes."""
        return [int(status) for status in statuses if status in operation.responses]

    def _content(self, response: dict[str, Any]) -> tuple[dict[str, Any], str]:
        content = mapping(response.get("content"))
        for media_type, described in content.items():
            if _JSON.match(str(media_type)):
                return mapping(mapping(described).get("schema")), "application/json"
        return {}, str(next(iter(content), "")).partition(";")[0]

    def json_body(self, operation: Operation) -> dict[str, Any] | None:
        """What describes the JSON that an operation takes; None where it takes nothing.

        Raises `UnfitError` where it takes something else.
        """
        if operation.body is None:
            return None
        content = mapping(operation.body.get("content"))
        for media_type, described in content.items():
            if _JSON.match(str(media_type)):
                return mapping(described)
        if operation.body.get("required") is True or content:
            raise UnfitError(f"it takes {next(iter(content), 'nothing')}, not JSON"[:60])
        return None


def mapping(value: Any) -> dict[Any, Any]:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def listing(value: Any) -> list[Any]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def _name(described: dict[str, Any], method: str, path: str) -> str:
    """The operation's id, without the path that FastAPI puts behind it."""
    name = str(described.get("operationId") or "")
    suffix = re.sub(r"\W", "_", f"{path.partition('?')[0]}_{method}")
    if name.endswith(suffix) and name != suffix:
        return name.removesuffix(suffix)
    return name or f"{method} {path}"
