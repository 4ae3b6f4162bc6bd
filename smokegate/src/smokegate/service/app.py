"""The application behind `smokegate serve`."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from smokegate.errors import HistoryError
from smokegate.history.store import Store
from smokegate.service.metrics import exposition

_METRICS = "text/plain; version=0.0.4; charset=utf-8"


def application(store: Store) -> Starlette:
    """Make the application on a history that is open."""
    app = Starlette(
        routes=[Route("/metrics", _metrics), Route("/health", _health)],
        exception_handlers={HistoryError: _without_history},
    )
    app.state.store = store
    return app


async def _metrics(request: Request) -> Response:
    content = await run_in_threadpool(exposition, request.app.state.store)
    return Response(content, media_type=_METRICS)


async def _health(request: Request) -> Response:
    del request
    return PlainTextResponse("ok\n")


async def _without_history(request: Request, error: Exception) -> Response:
    """Say that the history does not answer: Prometheus then has a gap instead of zeros."""
    del request
    return PlainTextResponse(f"{error}\n", status_code=503)
