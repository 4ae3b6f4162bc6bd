"""The routes of the API."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smokegate.service.access.visitors import Visitor
from smokegate.service.api.description import PATH, description
from smokegate.service.api.operations import OPERATIONS, Operation
from smokegate.service.asked import Question, body, parsed, read
from smokegate.service.desk import Desk

_JSON = "application/json"
_WRITES = (
    "Writing asks for the token: Authorization: Bearer TOKEN. What that is, SMOKEGATE_TOKEN says "
    "where smokegate serve is started."
)


def api_routes(desk: Desk) -> list[Route]:
    """A route for each path; it knows all methods that the path takes."""
    paths: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = operation
    routes = [_route(desk, path, methods) for path, methods in paths.items()]
    return [*routes, Route(PATH, _description)]


def _route(desk: Desk, path: str, methods: Mapping[str, Operation]) -> Route:
    async def endpoint(request: Request) -> Response:
        operation = methods["GET" if request.method == "HEAD" else request.method]
        visitor = desk.doorkeeper.visitor(request)
        refuse(visitor, writes=operation.writes)
        return await _answered(desk, request, operation, visitor)

    return Route(path, endpoint, methods=list(methods))


async def _answered(
    desk: Desk, request: Request, operation: Operation, visitor: Visitor
) -> Response:
    asked = read(operation.asked, {**request.query_params, **request.path_params})
    given = [await _given(request, operation.given)] if operation.given else []

    def answer(question: Question) -> Any:
        return operation.answer(question, asked, *given)

    if operation.asks_gate:
        found = await operation.answer(desk, visitor, asked, *given)
    else:
        found = await desk.ask(visitor, answer, writes=operation.writes)
    content = msgspec.json.encode(found) if operation.reply else b""
    return Response(content, operation.status, media_type=_JSON if operation.reply else None)


def refuse(visitor: Visitor, *, writes: bool) -> None:
    """Raise `HTTPException` for who may not do this.

    A session is for pages, whose forms prove that nobody else made the browser send them.
    """
    may = visitor.may_write and not visitor.has_session if writes else visitor.may_read
    if not may:
        words = _WRITES if writes else "Reading asks for a login, or for the token."
        raise HTTPException(HTTPStatus.UNAUTHORIZED, words, {"WWW-Authenticate": "Bearer"})


async def _given(request: Request, kind: type[Any]) -> Any:
    """The body of a request."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != _JSON:
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send it as {_JSON}.")
    return parsed(await body(request), kind)


async def _description(request: Request) -> Response:
    del request
    return Response(description(), media_type=_JSON)
