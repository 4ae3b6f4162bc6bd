"""What the service says of itself: its OpenAPI description and the page that shows it."""

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import HTMLResponse

from lattice.errors import (
    ApiError,
    BadRequestError,
    InvalidError,
    RequestTimeoutError,
    TooLargeError,
    TooManyRequestsError,
    UnauthorizedError,
)
from lattice.problems import FieldProblem, Problem, refusals

DESCRIPTION = """
N-dimensional lattices and shortest paths through them, for many tenants.

Register, then send the `access_token` as `Authorization: Bearer ...`. Every error is a problem
document (RFC 9457) with a `detail`. Requests are limited per session and per tenant; the
`RateLimit` header of each reply says what is left.
"""
ASSETS = "https://cdn.jsdelivr.net"
REPLACED_SCHEMAS = ("HTTPValidationError", "ValidationError")


def _describe(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Return a replacement for `app.openapi` whose errors are problems, made once when asked."""
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(_description(app))
        return made

    return openapi


def _description(app: FastAPI) -> dict[str, Any]:
    described = get_openapi(
        title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes
    )
    for path, operations in described["paths"].items():
        for operation in operations.values():
            _document_refusals(operation, is_limited=path.startswith("/api/"))
    schemas = described.setdefault("components", {}).setdefault("schemas", {})
    for name in REPLACED_SCHEMAS:
        schemas.pop(name, None)
    for model in (FieldProblem, Problem):
        schemas[model.__name__] = model.model_json_schema(
            ref_template="#/components/schemas/{model}"
        )
        schemas[model.__name__].pop("$defs", None)
    return described


def _document_refusals(operation: dict[str, Any], *, is_limited: bool) -> None:
    """Add the errors that follow from what an operation takes; a route names only its own."""
    has_body = "requestBody" in operation
    implied: list[type[ApiError]] = [
        *([UnauthorizedError] if "security" in operation else []),
        *([BadRequestError, RequestTimeoutError, TooLargeError] if has_body else []),
        *([InvalidError] if has_body or "parameters" in operation else []),
        *([TooManyRequestsError] if is_limited else []),
    ]
    responses = operation["responses"]
    for status, response in refusals(*implied).items():
        # The framework's own description of 422 is not what is answered here.
        if status == InvalidError.status or str(status) not in responses:
            responses[str(status)] = response
    responses["default"] = refusals(ApiError)[ApiError.status]


def add_documentation(app: FastAPI) -> None:
    """Serve `/docs`: a plain list of the routes, and Swagger UI in its place where it loads."""
    app.openapi = _describe(app)  # type: ignore[method-assign]

    async def see_documentation(request: Request) -> HTMLResponse:
        del request
        page = _page(app)
        return HTMLResponse(page, headers={"Content-Security-Policy": _policy(page)})

    app.add_route("/docs", see_documentation, include_in_schema=False)


def _page(app: FastAPI) -> str:
    swagger = get_swagger_ui_html(
        openapi_url=app.openapi_url or "", title=app.title, swagger_favicon_url="data:,"
    )
    page = bytes(swagger.body).decode()
    return page.replace('<div id="swagger-ui">', f'<div id="swagger-ui">{_listing(app)}', 1)


def _listing(app: FastAPI) -> str:
    rows = "".join(
        f"<tr><td>{escape(method.upper())}</td><td><code>{escape(path)}</code></td>"
        f"<td>{escape(operation.get('summary', ''))}</td></tr>"
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
    )
    return (
        f"<h1>{escape(app.title)} {escape(app.version)}</h1>"
        f'<p>The description is <a href="{app.openapi_url}">{app.openapi_url}</a>.</p>'
        f"<table>{rows}</table>"
    )


def _policy(page: str) -> str:
    """Allow Swagger UI's own files and the scripts that stand in this page, and nothing else."""
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; connect-src 'self'; "
        f"img-src 'self' data:; style-src {ASSETS} 'unsafe-inline'; script-src {ASSETS} {hashes}"
    )


def _digest(script: str) -> str:
    return b64encode(sha256(script.encode()).digest()).decode()
