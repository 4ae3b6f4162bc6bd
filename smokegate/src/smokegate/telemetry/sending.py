"""Sending a run with OpenTelemetry's packages, each signal in a thread of its own.

A thread, because what a collector does to a reader of its reply is bounded by nothing else.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from smokegate import __version__
from smokegate.results import JudgedRun
from smokegate.telemetry.gauges import HELP, gauges
from smokegate.telemetry.spans import Span, trace_of

_AT_ONCE = 512  # spans in one request
_NS = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ERRNO = re.compile(r"\[Errno -?\d+\] ([^'\")\]]+)")
_LIBRARY = logging.getLogger("opentelemetry")


class Sending(threading.Thread):
    """Sends one signal; `send` says whether it arrived."""

    def __init__(self, what: str, send: Callable[[], bool]) -> None:
        super().__init__(name=what, daemon=True)
        self.what = what
        self.arrived = False
        self.why = ""  # it did not arrive, as far as that is known
        self._send = send

    def run(self) -> None:
        """Send it, and keep what was said where that failed."""
        try:
            self.arrived = self._send()
        except Exception as error:  # the library's own, of whatever kind
            self.why = f"{error}"


def of_trace(run: JudgedRun, limit_s: float) -> Sending:
    """What sends the trace of a run."""
    spans = spans_of(run)

    def send() -> bool:
        exporter = OTLPSpanExporter(timeout=limit_s)
        batches = (spans[at : at + _AT_ONCE] for at in range(0, len(spans), _AT_ONCE))
        return all(exporter.export(each) is SpanExportResult.SUCCESS for each in batches)

    return Sending("the trace was", send)


def of_metrics(run: JudgedRun, limit_s: float) -> Sending:
    """What sends the gauges of a run."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], _resource(run), shutdown_on_exit=False)
    meter = provider.get_meter("smokegate", __version__)
    for name, told in HELP.items():
        gauge = meter.create_gauge(name, "s" if name.endswith("_seconds") else "", told)
        for each in gauges(run):
            if each.name == name:
                gauge.set(float(each.value), each.labels)
    data = reader.get_metrics_data()

    def send() -> bool:
        exporter = OTLPMetricExporter(timeout=limit_s)
        return data is None or exporter.export(data) is MetricExportResult.SUCCESS

    return Sending("metrics were", send)


@contextmanager
def overheard() -> Iterator[None]:
    """Keep the first thing that the library logs in each thread, instead of printing it."""
    handler = _Ear()
    propagates, _LIBRARY.propagate = _LIBRARY.propagate, False
    _LIBRARY.addHandler(handler)
    try:
        yield
    finally:
        _LIBRARY.removeHandler(handler)
        _LIBRARY.propagate = propagates


class _Ear(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        there = threading.current_thread()
        if isinstance(there, Sending) and not there.why:
            said = record.getMessage()
            known = _ERRNO.search(said)
            there.why = known[1] if known else said


def spans_of(run: JudgedRun) -> Sequence[ReadableSpan]:
    """The spans of a run, below the one that TRACEPARENT names where that is set."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=_resource(run), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    since_1970 = datetime.fromisoformat(run.started_at) - _EPOCH
    began_ns = since_1970 // timedelta(microseconds=1) * 1_000
    carrier = {name: os.environ.get(name.upper(), "") for name in ("traceparent", "tracestate")}
    above = TraceContextTextMapPropagator().extract(carrier, Context())
    _draw(provider.get_tracer("smokegate", __version__), trace_of(run), began_ns, above)
    return memory.get_finished_spans()


def _draw(tracer: Tracer, span: Span, began_ns: int, above: Context) -> None:
    drawn = tracer.start_span(
        span.name,
        above,
        SpanKind.CLIENT if span.is_request else SpanKind.INTERNAL,
        span.attributes,
        start_time=began_ns + round(span.begin_s * _NS),
    )
    if span.error:
        drawn.set_status(Status(StatusCode.ERROR, span.error))
    for each in span.children:
        _draw(tracer, each, began_ns, set_span_in_context(drawn, above))
    drawn.end(began_ns + round(span.end_s * _NS))


def _resource(run: JudgedRun) -> Resource:
    """Who speaks: smokegate, of which environment; variables may say otherwise."""
    ours = {
        "service.name": "smokegate",
        "service.version": __version__,
        "deployment.environment.name": run.environment,
    }
    return Resource.create(ours).merge(OTELResourceDetector().detect())
