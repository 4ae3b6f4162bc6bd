"""Spans, as a receiver of OTLP over HTTP has them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import httpx2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.gate.telemetry.receiver import receiver
from tests.lattice.processes import Served, environment

Serving = Callable[..., Served]
ABOVE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_each_request_is_a_span_below_its_callers(serving: Serving) -> None:
    with receiver() as collector:
        served = serving(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, LATTICE_ACCESS_LOG="true")
        httpx2.get(f"{served.url}/health")
        httpx2.get(f"{served.url}/api/tenants/of-nobody?token=x", headers={"traceparent": ABOVE})
        _, _, log = served.end()
        bodies = [each.body for each in collector.received if each.path == "/v1/traces"]
    found = [ExportTraceServiceRequest.FromString(body) for body in bodies]
    resources = [resource for each in found for resource in each.resource_spans]
    (span,) = (s for resource in resources for scope in resource.scope_spans for s in scope.spans)
    assert span.name == "GET /api/tenants/{tenant_id}"
    assert span.trace_id.hex() in ABOVE
    assert span.parent_span_id.hex() in ABOVE
    named = {each.key: each.value.string_value for each in resources[0].resource.attributes}
    assert named["service.name"] == "lattice"
    line = json.loads(log.splitlines()[-1])
    assert (line["path"], line["trace_id"]) == ("/api/tenants/of-nobody", span.trace_id.hex())


LOADED = """
import sys
from lattice.app import create_app
from lattice.settings import Settings
from lattice.tracing import tracing

with tracing(create_app(Settings(dev=True)), "1"):
    print([name for name in sys.modules if name.startswith("opentelemetry.sdk")])
"""


def test_nothing_of_it_is_loaded_where_it_is_disabled() -> None:
    asked = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"}
    ended = subprocess.run(
        [sys.executable, "-c", LOADED],
        env=environment(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout == "[]\n", ended.stderr
