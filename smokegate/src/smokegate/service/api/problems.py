"""How the API refuses: `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal, by RFC 9457: `title` is the name of the status, `detail` says what is wrong."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


def problem(error: HTTPException) -> Response:
    """An error as a reply."""
    told = Problem(
        title=HTTPStatus(error.status_code).phrase, status=error.status_code, detail=error.detail
    )
    # Structs leave out nothing here: a reader need not know what `type` is by default.
    content = msgspec.json.encode(told)
    return Response(content, error.status_code, dict(error.headers or {}), MEDIA_TYPE)
