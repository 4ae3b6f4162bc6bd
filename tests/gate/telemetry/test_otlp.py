"""A trace and the gauges of a run, as a receiver of OTLP over HTTP has them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from smokegate.telemetry import sending
from smokegate.telemetry.gauges import gauges
from smokegate.telemetry.otlp import METRICS, TRACES, export, limit_s, wanted

from tests.gate.history.runs import run
from tests.gate.reports import parts, runs
from tests.gate.reports.hostile import poisoned
from tests.gate.telemetry.receiver import Receiver, receiver
from tests.system.ports import free_port

ABOVE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiver() as there:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", there.url)
        monkeypatch.delenv("TRACEPARENT", raising=False)
        yield there


def spans_in(collector: Receiver) -> list[Any]:
    """Every span that came, resource and scope left out."""
    requests = [each for each in collector.received if each.path == "/v1/traces"]
    found = [ExportTraceServiceRequest.FromString(each.body) for each in requests]
    scopes = [s for each in found for r in each.resource_spans for s in r.scope_spans]
    return [span for scope in scopes for span in scope.spans]


def attributes_of(there: Any) -> dict[str, Any]:
    """Attributes of a resource, a span or a point."""
    values = {each.key: each.value for each in there.attributes}
    return {key: getattr(each, each.WhichOneof("value")) for key, each in values.items()}


def root_of(spans: list[Any]) -> Any:
    """The span that all others are below of, each within the time of the one above it."""
    by_id = {each.span_id: each for each in spans}
    assert len(by_id) == len(spans)
    assert len({each.trace_id for each in spans}) == 1
    (root,) = (each for each in spans if not each.parent_span_id)
    assert root.name == "smokegate run"
    for each in spans:
        if each is root:
            continue
        above = by_id[each.parent_span_id]
        assert above.start_time_unix_nano <= each.start_time_unix_nano
        assert each.start_time_unix_nano <= each.end_time_unix_nano <= above.end_time_unix_nano
        is_request = above is not root
        assert each.kind == (each.SPAN_KIND_CLIENT if is_request else each.SPAN_KIND_INTERNAL)
        assert ("url.full" in attributes_of(each)) is is_request
    return root


def test_a_trace_comes_as_the_tree_that_the_run_was(collector: Receiver) -> None:
    assert list(export(runs.rollback())) == []
    spans = spans_in(collector)
    root = root_of(spans)
    assert root.start_time_unix_nano == 1_738_367_998_250_000_000, "as the run began"
    failed = [each for each in spans if each.status.code == each.status.STATUS_CODE_ERROR]
    assert root in failed


def test_it_says_who_speaks(collector: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    list(export(run()))
    monkeypatch.setenv("OTEL_SERVICE_NAME", "gate")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=core,deployment.environment.name=eu")
    list(export(run()))
    traces = [each.body for each in collector.received if each.path == "/v1/traces"]
    found = [ExportTraceServiceRequest.FromString(each).resource_spans[0] for each in traces]
    ours, theirs = (attributes_of(each.resource) for each in found)
    assert ours["service.name"] == "smokegate"
    assert ours["deployment.environment.name"] == "production"
    assert theirs["service.name"] == "gate"
    assert (theirs["team"], theirs["deployment.environment.name"]) == ("core", "eu")


def test_a_pipeline_that_has_a_trace_has_the_run_in_it(
    collector: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEPARENT", ABOVE)
    list(export(run()))
    spans = spans_in(collector)
    assert {each.trace_id.hex() for each in spans} == {ABOVE.split("-")[1]}
    assert [each.name for each in spans if each.parent_span_id.hex() == ABOVE.split("-")[2]] == [
        "smokegate run"
    ]


def test_gauges_come_as_they_are_pushed(collector: Receiver) -> None:
    there = runs.rollback()
    list(export(there))
    (body,) = (each.body for each in collector.received if each.path == "/v1/metrics")
    (scope,) = ExportMetricsServiceRequest.FromString(body).resource_metrics[0].scope_metrics
    found = {
        (each.name, *sorted(attributes_of(point).items())): point.as_double
        for each in scope.metrics
        for point in each.gauge.data_points
    }
    wanted = {
        (each.name, *sorted(each.labels.items())): float(each.value) for each in gauges(there)
    }
    assert found == wanted


def test_a_run_of_a_part_gives_its_trace_alone(collector: Receiver) -> None:
    said = "metrics were not exported by OTLP: the run has only a part of the checks"
    assert list(export(run(partial=True))) == [said]
    assert {each.path for each in collector.received} == {"/v1/traces"}
    (root,) = (each for each in spans_in(collector) if not each.parent_span_id)
    assert attributes_of(root)["smokegate.run.partial"] is True


def test_no_header_and_no_body_is_in_it(collector: Receiver) -> None:
    asked = parts.exchange(
        "POST", "/login", 401, body="hunter22", reply_body="hunter22", curl="hunter22"
    )
    broken = parts.failed("health.up", asked, "status is 200", "401")
    list(export(parts.judged(broken, only=["health.up"])))
    assert collector.received
    assert not any(b"hunter22" in each.body for each in collector.received)


def test_whatever_a_target_sent_arrives(collector: Receiver) -> None:
    for text in "\ud800", "\0\x1b[31m\u202e", "x" * 100_000:
        assert list(export(poisoned(runs.rollback(), text))) == []
    assert len(spans_in(collector)) == 3 * len(sending.spans_of(runs.rollback()))


def test_many_spans_come_in_batches(collector: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_AT_ONCE", 3)
    list(export(runs.rollback()))
    assert len(spans_in(collector)) == len(sending.spans_of(runs.rollback())) > 3


@pytest.mark.parametrize(
    ("environ", "signals"),
    [
        ({}, []),
        ({"ENDPOINT": "http://c"}, [TRACES, METRICS]),
        ({"TRACES_ENDPOINT": "http://c"}, [TRACES]),
        ({"METRICS_ENDPOINT": "http://c", "TRACES_ENDPOINT": ""}, [METRICS]),
    ],
)
def test_a_variable_asks_for_it(environ: dict[str, str], signals: list[str]) -> None:
    there = {f"OTEL_EXPORTER_OTLP_{name}": value for name, value in environ.items()}
    assert wanted(there) == signals
    assert wanted({**there, "OTEL_SDK_DISABLED": "true"}) == []
    without = wanted({**there, "OTEL_METRICS_EXPORTER": "none"})
    assert without == [each for each in signals if each == TRACES]


@pytest.mark.parametrize(
    ("text", "taken_s"),
    [("", 10), ("2.5", 2.5), ("10000", 30), ("0", 30), ("-1", 30), ("nan", 30), ("soon", 10)],
)
def test_a_time_limit_is_one(text: str, taken_s: float) -> None:
    assert limit_s(TRACES, {"OTEL_EXPORTER_OTLP_TIMEOUT": text}) == taken_s
    own = {"OTEL_EXPORTER_OTLP_TIMEOUT": "3", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": text or "3"}
    assert limit_s(TRACES, own) == (taken_s if text else 3)


def test_what_does_not_arrive_is_said_in_a_line(
    collector: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    collector.status = 401
    assert list(export(run())) == [
        "the trace was not exported by OTLP: "
        "Failed to export spans batch code: 401, reason: Unauthorized",
        "metrics were not exported by OTLP: "
        "Failed to export metrics batch code: 401, reason: Unauthorized",
    ]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3")
    what = ("the trace was", "metrics were")
    assert list(export(run())) == [
        f"{each} not exported by OTLP: Connection refused" for each in what
    ]
    assert capsys.readouterr() == ("", "")
    logged = [each for each in caplog.records if each.name.startswith("opentelemetry")]
    assert logged == [], "and nowhere else, whatever a suite does with its logs"


def test_a_collector_that_does_not_answer_is_given_up(
    collector: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.silent = True
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    trace, metrics = export(run())
    assert trace.startswith("the trace was not exported by OTLP: ")
    assert metrics.startswith("metrics were not exported by OTLP: ")


def test_secrets_of_variables_are_in_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "user:hunter22@nowhere.invalid")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hunter2277")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    said = " ".join(export(run()))
    assert "not exported by OTLP" in said
    assert "hunter22" not in said


def test_another_protocol_is_not_spoken(
    collector: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    said = "nothing was exported by OTLP: only http/protobuf is spoken, not grpc"
    assert list(export(run())) == [said]
    assert collector.received == []


def test_without_the_packages_that_is_said(
    collector: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "smokegate.telemetry.sending")
    monkeypatch.delattr("smokegate.telemetry.sending")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.metrics", None)
    (said,) = export(run())
    missing = "opentelemetry.sdk.metrics is missing: install smokegate[otel]"
    assert said == f"nothing was exported by OTLP: {missing}"


def test_nothing_is_imported_where_no_variable_asks_for_it() -> None:
    code = """
import sys
from smokegate.settings import Settings
from smokegate.telemetry.exporting import export
from tests.gate.history.runs import run
assert list(export(run(), Settings())) == []
print([each for each in sys.modules if each.startswith(("opentelemetry", "requests", "google"))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
