"""The application behind `smokegate serve`: pages for people, an API, the gate, and metrics."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from smokegate.errors import HistoryError
from smokegate.history.store import Store
from smokegate.service.access.guard import Guard
from smokegate.service.access.visitors import NOBODY, Doorkeeper, Rules
from smokegate.service.api.problems import problem
from smokegate.service.api.routes import api_routes
from smokegate.service.desk import Desk
from smokegate.service.gate.gate import Gate
from smokegate.service.gate.github import GitHub
from smokegate.service.gate.hooks import Hooks
from smokegate.service.metrics import exposition
from smokegate.service.pages import trouble
from smokegate.service.pages.routes import Pages

_METRICS = "text/plain; version=0.0.4; charset=utf-8"
_PLAIN = frozenset({"/metrics", "/health"})
_LAST = {"Connection": "close"}  # the server closes it after a bug, and must say so before
_OUR_FAULT = "The reason stands in what smokegate serve prints; please report it."
_LATER = {"Retry-After": "10"}


def application(
    store: Store,
    rules: Rules | None = None,
    hosts: Collection[str] | None = None,
    clock: Callable[[], float] = time.time,
    *,
    gate: Gate | None = None,
    github: GitHub | None = None,
    dashboard_url: str = "",
) -> Starlette:
    """Make the application on a history that is open; `hosts` is as `Guard` has it.

    The gate is there while the application runs, and GitHub is told by it.
    """
    doorkeeper = Doorkeeper(rules or Rules(), clock)
    desk = Desk(store, doorkeeper, clock, gate, github, dashboard_url)
    pages = Pages(desk)
    refuse = partial(_refused, pages)

    async def refused(request: Request, error: Exception) -> Response:
        return refuse(request, _as_refusal(error))

    handled = (HTTPException, HistoryError, Exception)
    app = Starlette(
        routes=[
            *pages.routes(),
            *api_routes(desk),
            *Hooks(desk).routes(),
            Route("/metrics", partial(_metrics, store)),
            Route("/health", _health),
        ],
        middleware=[Middleware(Guard, hosts=hosts, refuse=refuse)],
        exception_handlers=dict.fromkeys(handled, refused),
        lifespan=lambda _: _gate_open(gate, github),
    )
    app.router.redirect_slashes = False  # it would lead to whatever Host says
    return app


@asynccontextmanager
async def _gate_open(gate: Gate | None, github: GitHub | None) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        if gate and github:
            await stack.enter_async_context(github.running(gate))
        if gate:
            await stack.enter_async_context(gate.running())
        yield


def _as_refusal(error: Exception) -> HTTPException:
    if isinstance(error, HTTPException):
        return error
    if isinstance(error, HistoryError):
        return HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}", _LATER)
    return HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR, _OUR_FAULT, _LAST)


def _refused(pages: Pages, request: Request, error: HTTPException) -> Response:
    """Say an error as who asked reads it: programs of the API, Prometheus, or people.

    Where the history does not answer, Prometheus so has a gap instead of zeros.
    """
    path = request.url.path
    if path in _PLAIN:
        return PlainTextResponse(f"{error.detail}\n", error.status_code, dict(error.headers or {}))
    if path.startswith(("/api/", "/gate/")):
        return problem(error)
    reply = pages.html(trouble.page(error.status_code, error.detail), NOBODY, error.status_code)
    reply.headers.update(error.headers or {})
    return reply


async def _metrics(store: Store, request: Request) -> Response:
    del request
    return Response(await run_in_threadpool(exposition, store), media_type=_METRICS)


async def _health(request: Request) -> Response:
    del request
    return PlainTextResponse("ok\n")
