"""Counts what the service does, for Prometheus.

Routes are counted by their template: a path with an id in it would make a series of its own.
"""

import os
import time

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
NO_ROUTE = "none"
OTHER_METHOD = "other"
# The library decides by it, when it is imported, where counts are kept.
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
OPENMETRICS = "application/openmetrics-text"


class Metrics:
    """The measurements of one application, in a registry of its own.

    Where several processes serve, each counts in a file of its own, and whichever is asked adds
    all of them up.
    """

    def __init__(self, version: str) -> None:
        self._registry = counted = CollectorRegistry()
        if SHARED_FOLDER in os.environ:
            MultiProcessCollector(self._registry)  # type: ignore[no-untyped-call]
            # What this one process counts is in the sum already.
            counted = CollectorRegistry()
        else:
            ProcessCollector(registry=self._registry)
        Info("lattice", "The service.", registry=self._registry).info({"version": version})
        self.requests = Counter(
            "http_requests",
            "Requests answered, by method, route template and status.",
            ["method", "route", "status"],
            registry=counted,
        )
        self.duration_s = Histogram(
            "http_request_duration_seconds",
            "Time from a request's head to its reply's end.",
            ["method", "route"],
            registry=counted,
        )

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all measurements and their media type: OpenMetrics where it is asked for."""
        # Only whether it is asked for: the library fails at parameters that it cannot read.
        encode, media_type = choose_encoder(OPENMETRICS if OPENMETRICS in accept.lower() else "")
        return encode(self._registry), media_type


class Measuring:
    """Measures every request, those that no route takes included."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and measure it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun_s = time.perf_counter()
        method = scope["method"] if scope["method"] in METHODS else OTHER_METHOD

        async def counted(message: Message) -> None:
            # Before the reply leaves: whoever has it can see it counted.
            if message["type"] == "http.response.start":
                self._metrics.requests.labels(method, _route(scope), message["status"]).inc()
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            taken_s = time.perf_counter() - begun_s
            self._metrics.duration_s.labels(method, _route(scope)).observe(taken_s)


def _route(scope: Scope) -> str:
    path: str = getattr(scope.get("route"), "path", NO_ROUTE)
    return path


def metrics_of(request: Request) -> Metrics:
    """Return the measurements of the application that serves this request."""
    metrics: Metrics = request.app.state.metrics
    return metrics
