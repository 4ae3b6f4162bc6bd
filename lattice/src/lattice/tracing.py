"""A span for each request, for OpenTelemetry: where it is installed and the environment asks."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import structlog
from fastapi import FastAPI

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
PACKAGES = ("opentelemetry.instrumentation.fastapi", "opentelemetry.exporter.otlp.proto.http")
# What machines ask every few seconds would be most of what is kept.
UNTRACED = "/health,/metrics"


@contextmanager
def tracing(app: FastAPI, version: str) -> Iterator[None]:
    """Send the spans of what the application does meanwhile; what is left goes at the end."""
    if not _is_asked_for():
        yield
        return
    if missing := _missing():
        log = structlog.get_logger("lattice")
        log.warning("nothing is traced: install lattice-api[otel]", missing=missing)
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say otherwise.
    named = {"service.name": os.environ.get("OTEL_SERVICE_NAME", "lattice")}
    resource = Resource.create(named | {"service.version": version})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=provider,
        excluded_urls=UNTRACED,
        # A span for each part of a body says nothing here.
        exclude_spans=["receive", "send"],
    )
    try:
        yield
    finally:
        provider.shutdown()


def _is_asked_for() -> bool:
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not disabled and any(os.environ.get(name) for name in ENDPOINTS)


def _missing() -> str | None:
    for package in PACKAGES:
        try:
            found = find_spec(package)
        except ModuleNotFoundError:
            found = None
        if found is None:
            return package
    return None


def current_trace_id() -> str | None:
    """Return the id of the trace that the current request belongs to, if it is traced."""
    # Asked only where something else has loaded it.
    module = sys.modules.get("opentelemetry.trace")
    if module is None:
        return None
    context = module.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None
