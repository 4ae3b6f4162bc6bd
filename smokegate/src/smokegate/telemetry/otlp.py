"""A trace and the gauges of a run by OTLP over HTTP, as the OTEL_* variables say.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/ OpenTelemetry's packages are imported
where a variable names an endpoint, and not before.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote

from smokegate.client.redaction import Redactor
from smokegate.reports.escaping import one_line
from smokegate.results import JudgedRun

if TYPE_CHECKING:
    from smokegate.telemetry.sending import Sending

TRACES, METRICS = "TRACES", "METRICS"
_EVERY = "OTEL_EXPORTER_OTLP"
_LONGEST_S = 30.0  # whatever a variable says, a run ends
_USUAL_S = 10.0
_GRACE_S = 0.5
_SHOWN_CHARS = 300


def wanted(environ: Mapping[str, str]) -> list[str]:
    """The signals that variables ask for, as their names have them."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    return [each for each in (TRACES, METRICS) if _is_wanted(each, environ)]


def export(run: JudgedRun) -> Iterator[str]:
    """Export what variables ask for, within their time limit; a line for what did not arrive.

    A run of a part of the checks gives a trace alone: its verdict must not look like that of all.
    """
    environ = os.environ
    signals = wanted(environ)
    if run.partial and METRICS in signals:
        signals.remove(METRICS)
        yield "metrics were not exported by OTLP: the run has only a part of the checks"
    foreign = {_of(each, "PROTOCOL", environ) for each in signals} - {"", "http/protobuf"}
    if foreign:
        yield f"nothing was exported by OTLP: only http/protobuf is spoken, not {min(foreign)}"
        return
    try:
        from smokegate.telemetry import sending
    except ModuleNotFoundError as error:
        yield f"nothing was exported by OTLP: {error.name} is missing: install smokegate[otel]"
        return
    limits_s = {each: limit_s(each, environ) for each in signals}
    make = {TRACES: sending.of_trace, METRICS: sending.of_metrics}
    there = [make[each](run, limits_s[each]) for each in signals]
    ends = time.monotonic() + max(limits_s.values(), default=0.0) + _GRACE_S
    with sending.overheard():
        for each in there:
            each.start()
        for each in there:
            each.join(max(0.0, ends - time.monotonic()))
    redactor = _redactor(environ)
    yield from (_in_words(each, redactor) for each in there if not each.arrived)


def limit_s(signal: str, environ: Mapping[str, str]) -> float:
    """How long sending may take, in seconds as OpenTelemetry for Python reads it; 30 at most."""
    try:
        asked_s = float(_of(signal, "TIMEOUT", environ) or _USUAL_S)
    except ValueError:
        return _USUAL_S
    return asked_s if 0 < asked_s <= _LONGEST_S else _LONGEST_S


def _is_wanted(signal: str, environ: Mapping[str, str]) -> bool:
    exporters = environ.get(f"OTEL_{signal}_EXPORTER") or "otlp"
    is_named = "otlp" in exporters.replace(" ", "").split(",")
    return is_named and bool(_of(signal, "ENDPOINT", environ))


def _of(signal: str, what: str, environ: Mapping[str, str]) -> str:
    """A variable of a signal, or the one of all."""
    return environ.get(f"{_EVERY}_{signal}_{what}") or environ.get(f"{_EVERY}_{what}", "")


def _in_words(sending: Sending, redactor: Redactor) -> str:
    why = "it takes too long" if sending.is_alive() else sending.why or "it is not known why"
    return f"{sending.what} not exported by OTLP: {one_line(redactor.text(why), _SHOWN_CHARS)}"


def _redactor(environ: Mapping[str, str]) -> Redactor:
    """What knows the secrets that are sent along, and may be in the words of an error."""
    redactor = Redactor()
    for name, value in environ.items():
        if name.startswith(_EVERY) and name.endswith("_HEADERS"):
            for pair in value.split(","):
                redactor.add(unquote(pair.partition("=")[2].strip()))
        elif name.startswith(_EVERY) and name.endswith("_ENDPOINT"):
            login = value.rpartition("@")[0].rpartition("/")[2]
            redactor.add(login)
            redactor.add(unquote(login.partition(":")[2]))
    return redactor
