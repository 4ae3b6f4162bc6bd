"""Endpoints: a method and a path template, as one route of a service has them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from smokegate.client.transport import Request

_LONG_CHARS = 8
_MADE_UP = re.compile(r"\b[0-9a-f]{12}\b")  # as client.unique() does
_DIGIT = re.compile(r"\d")
_ORDINARY = re.compile(r"^v?\d{1,2}$")  # an API's version


def endpoint_of(request: Request) -> str:
    """Name the endpoint of a request: "GET /api/lattices/{}".

    Parts of the path that look like identifiers are left open, and the query is left out. Where
    one path serves many procedures (JSON-RPC 2.0), the procedure's name is added.
    """
    name = f"{request.method} {_template(request.url)}"
    procedure = _procedure(request.body) if request.body else ""
    return f"{name} {procedure}" if procedure else name


@lru_cache(maxsize=10_000)
def _template(url: str) -> str:
    parts = unquote(urlsplit(url).path).split("/")
    return "/".join("{}" if _is_identifier(part) else part for part in parts) or "/"


def _is_identifier(part: str) -> bool:
    if _ORDINARY.match(part) and not part.isdigit():
        return False
    return part.isdigit() or "@" in part or (len(part) >= _LONG_CHARS and bool(_DIGIT.search(part)))


def _procedure(body: bytes) -> str:
    """The name of the procedure that a JSON-RPC request calls, of a batch those of all."""
    if b'"jsonrpc"' not in body:
        return ""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return ""
    calls: list[Any] = document if isinstance(document, list) else [document]
    names = [call.get("method") for call in calls if isinstance(call, dict)]
    return _MADE_UP.sub("{}", "+".join(name for name in names if isinstance(name, str)))
