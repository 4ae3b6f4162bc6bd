"""How a refusal looks on the wire: `application/problem+json` (RFC 9457), whatever refused."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, IntegrityError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lattice import postgresql, sqlite
from lattice.errors import (
    ApiError,
    BadRequestError,
    ConflictError,
    DatabaseUnusableError,
    InsufficientStorageError,
    InvalidError,
    UnavailableError,
)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str = Field(examples=["email"])
    detail: str = Field(examples=["Field required"])


class Problem(BaseModel):
    """A refusal, by RFC 9457."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(description="The name of the status.", examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="What is wrong, in one sentence.")
    errors: list[FieldProblem] | None = Field(
        default=None, description="On 422 only: the fields that cannot be used."
    )


def problem(error: HTTPException) -> JSONResponse:
    """Say an error in a reply: `type`, `title`, `status`, `detail` and its own members."""
    members = error.members if isinstance(error, ApiError) else {}
    return JSONResponse(
        {
            "type": "about:blank",
            "title": HTTPStatus(error.status_code).phrase,
            "status": error.status_code,
            "detail": error.detail,
        }
        | members,
        status_code=error.status_code,
        headers=error.headers,
        media_type=MEDIA_TYPE,
    )


def refusals(*errors: type[ApiError]) -> dict[int | str, dict[str, Any]]:
    """Document, for a route's `responses=`, the errors that it answers with."""
    return {error.status.value: _documented(error) for error in errors}


def _documented(error: type[ApiError]) -> dict[str, Any]:
    meaning = (error.__doc__ or "").partition("\n")[0]
    example: dict[str, object] = {
        "type": "about:blank",
        "title": error.status.phrase,
        "status": error.status.value,
        "detail": meaning,
    }
    if error is InvalidError:
        example["detail"] = "Invalid: name."
        example["errors"] = [{"field": "name", "detail": "Field required"}]
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": meaning,
        "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
    }


def answer_with_problems(app: FastAPI) -> None:
    """Let every refusal of the application be a problem, those of the framework included."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(DatabaseUnusableError, _not_reachable)
    app.add_exception_handler(IntegrityError, _overtaken)
    app.add_exception_handler(DBAPIError, _not_stored)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    match error.status_code:
        case HTTPStatus.NOT_FOUND if not isinstance(error, ApiError):
            error.detail = f"There is nothing at {request.url.path}."
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = _methods_of(request.app.routes, request.scope)
            error.headers = {"Allow": ", ".join(allowed)}
            error.detail = f"{request.method} is not allowed here, {' and '.join(allowed)} are."
        case _:
            pass
    return problem(error)


def _methods_of(routes: Sequence[BaseRoute], scope: Scope) -> list[str]:
    """Every method that the resource takes: the router itself knows only its first match.

    Its resource is that of the first template that fits: `/bulk` is no id.
    """
    fitting = [route for route in routes if route.matches(scope)[0] is not Match.NONE]
    template = getattr(fitting[0], "path", None) if fitting else None
    same = [route for route in fitting if getattr(route, "path", None) == template]

    def taken(method: str) -> bool:
        asked = dict(scope) | {"method": method}
        return any(route.matches(asked)[0] is Match.FULL for route in same)

    return [method for method in METHODS if taken(method)]


async def _not_valid(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type only
    found = error.errors()
    if any(entry["type"] == "json_invalid" for entry in found):
        return problem(BadRequestError("The request body is not valid JSON."))
    words = {_field(entry["loc"]): entry["msg"].removeprefix("Value error, ") for entry in found}
    return problem(InvalidError(words))


async def _not_reachable(request: Request, error: Exception) -> Response:
    assert isinstance(error, DatabaseUnusableError)  # noqa: S101 - registered for this type only
    _log(request, "the database cannot be used", reason=error.detail)
    return problem(UnavailableError(error.detail, headers={"Retry-After": str(RETRY_AFTER_S)}))


async def _overtaken(request: Request, error: Exception) -> Response:
    """Say that something it builds on went away between looking and writing."""
    del error
    _log(request, "overtaken by another request")
    return problem(ConflictError("It was changed meanwhile; the request was not done."))


async def _not_stored(request: Request, error: Exception) -> Response:
    """Say that the disk is full; of what else may be wrong with a database nothing is told."""
    assert isinstance(error, DBAPIError)  # noqa: S101 - registered for this type only
    if not sqlite.is_full(error.orig) and not postgresql.is_full(error.orig):
        raise error
    _log(request, "the storage is full")
    return problem(InsufficientStorageError())


def _log(request: Request, event: str, **facts: object) -> None:
    log = structlog.get_logger("lattice")
    log.error(event, method=request.method, path=request.url.path, **facts)


def _field(location: Sequence[int | str]) -> str:
    """`("body", "start", 0)` is `start.0`: the first part says only where the field stands."""
    return ".".join(str(part) for part in location[1:]) or str(location[0])


class UnexpectedErrors:
    """Turns an exception that nothing has caught into a 500 problem, and logs it.

    The framework's own handler stands outside of all middleware: its reply would lack the
    headers that every reply must have.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = structlog.get_logger("lattice")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and answer for what goes wrong."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if scope["type"] != "http" or started:
                raise
            self._log.exception("unexpected error", method=scope["method"], path=scope["path"])
            unexpected = ApiError("Something went wrong on our side; the request was not done.")
            await problem(unexpected)(scope, receive, send)
