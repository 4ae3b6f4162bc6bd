"""A run as a tree of spans: the run, its checks and what they share, and every request of theirs.

Names follow OpenTelemetry's semantic conventions where there is one: those for HTTP clients and for
tests. https://opentelemetry.io/docs/specs/semconv/http/http-spans/ What is ours begins with
`smokegate.`; durations there are seconds. Bodies and headers are not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from smokegate.results import (
    Attempt,
    CheckResult,
    Exchange,
    JudgedRun,
    Outcome,
    ResourceResult,
    Timing,
)

Value = str | int | float | bool
Attributes = dict[str, Value]
_METHODS = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
_PHASES = ("dns", "connect", "tls", "wait", "receive")
_FAILS_FROM = 400
_TEXT_CHARS = 1_000


class Span(NamedTuple):
    """What was done from one moment to another, in seconds from the run's begin on.

    `error` says what was wrong with it; empty where nothing was.
    """

    name: str
    begin_s: float
    end_s: float
    attributes: Attributes
    error: str = ""
    is_request: bool = False
    children: tuple[Span, ...] = ()


def trace_of(run: JudgedRun) -> Span:
    """The tree of a run; whatever is below a span lies within its time."""
    verdict = run.verdict
    owners: list[CheckResult | ResourceResult] = [*run.resources, *run.everything]
    attributes: Attributes = {
        "smokegate.run.id": run.run_id,
        "smokegate.run.target": run.target,
        "smokegate.run.version": run.version,
        "smokegate.run.partial": run.partial,
        "smokegate.verdict": verdict.action.value,
        "smokegate.verdict.rule": verdict.rule,
        "smokegate.verdict.reason": verdict.reason,
    }
    return _around(
        "smokegate run",
        (0.0, run.duration_s),
        attributes,
        error="" if verdict.action.opens_the_gate else verdict.reason,
        children=tuple(_owner_span(each, run.duration_s) for each in owners),
    )


def _owner_span(owner: CheckResult | ResourceResult, run_end_s: float) -> Span:
    """A check or a resource; what never began has no length, at the end."""
    tries = owner.attempts
    begin_s = min((each.started_s for each in tries), default=run_end_s)
    end_s = max((each.started_s + each.duration_s for each in tries), default=run_end_s)
    return _around(
        owner.id if isinstance(owner, CheckResult) else f"resource {owner.name}",
        (begin_s, end_s),
        _about(owner),
        error=owner.reason or owner.outcome.value if owner.outcome.fails else "",
        children=tuple(_exchange_spans(tries)),
    )


def _about(owner: CheckResult | ResourceResult) -> Attributes:
    attributes: Attributes = {
        "smokegate.outcome": owner.outcome.value,
        "smokegate.reason": owner.reason,
        "smokegate.flaky": owner.flaky,
    }
    if not isinstance(owner, CheckResult):
        return attributes
    attributes |= {"test.suite.name": owner.suite, "test.case.name": owner.id}
    if owner.outcome is not Outcome.SKIPPED:
        attributes["test.case.result.status"] = "pass" if owner.outcome.passes else "fail"
    return attributes | {"smokegate.consequence": owner.consequence.value}


def _exchange_spans(attempts: list[Attempt]) -> Iterator[Span]:
    for attempt in attempts:
        for exchange in attempt.exchanges:
            yield _exchange_span(exchange, attempt)


def _exchange_span(exchange: Exchange, attempt: Attempt) -> Span:
    """A request; a status that the check wanted, such as 401, is no error of it."""
    error_type = _error_type(exchange, is_wanted=attempt.outcome.passes)
    attributes: Attributes = {
        **_of_request(exchange),
        **_of_reply(exchange),
        **_phases(exchange.timing),
        "smokegate.attempt": attempt.number,
        "smokegate.connection.fresh": exchange.fresh,
    }
    if error_type:
        attributes["error.type"] = error_type
    return Span(
        name=str(attributes["http.request.method"]).replace("_OTHER", "HTTP"),
        begin_s=exchange.started_s,
        end_s=exchange.started_s + exchange.timing.total_s,
        attributes=_told(attributes),
        error=_text(exchange.trouble.summary if exchange.trouble else error_type),
        is_request=True,
    )


def _phases(timing: Timing) -> Attributes:
    """The seconds of each phase that there was."""
    spent_s = {name: getattr(timing, f"{name}_s") for name in _PHASES}
    return {f"smokegate.phase.{name}_s": each_s for name, each_s in spent_s.items() if each_s}


def _error_type(exchange: Exchange, *, is_wanted: bool) -> str:
    if exchange.trouble:
        return exchange.trouble.kind
    is_refused = exchange.status is not None and exchange.status >= _FAILS_FROM
    return str(exchange.status) if is_refused and not is_wanted else ""


def _of_request(exchange: Exchange) -> Attributes:
    known = exchange.method in _METHODS
    attributes: Attributes = {
        "http.request.method": exchange.method if known else "_OTHER",
        "url.full": exchange.url,
        **_server(exchange.url),
    }
    if not known:
        attributes["http.request.method_original"] = exchange.method
    if exchange.sends > 1:
        attributes["http.request.resend_count"] = exchange.sends - 1
    return attributes


def _server(url: str) -> Attributes:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):  # a redirect may lead to what is no URL
        return {}
    return {"server.address": parts.hostname or "", "server.port": port}


def _of_reply(exchange: Exchange) -> Attributes:
    attributes: Attributes = {}
    if exchange.status is not None:
        attributes["http.response.status_code"] = exchange.status
        attributes["http.response.body.size"] = exchange.reply_bytes
    if exchange.http_version:
        attributes["network.protocol.version"] = exchange.http_version.removeprefix("HTTP/")
    address, _, port = exchange.address.rpartition(":")
    if port.isdecimal():
        attributes["network.peer.address"] = address.strip("[]")
        attributes["network.peer.port"] = int(port)
    return attributes


def _around(
    name: str,
    span: tuple[float, float],
    attributes: Attributes,
    *,
    error: str,
    children: tuple[Span, ...],
) -> Span:
    """A span as long as it was, and at least as long as its children take."""
    return Span(
        name=_text(name),
        begin_s=min([span[0], *(each.begin_s for each in children)]),
        end_s=max([span[1], *(each.end_s for each in children)]),
        attributes=_told(attributes),
        error=_text(error),
        children=children,
    )


def _told(attributes: Attributes) -> Attributes:
    """Attributes that say something, in text that can be sent."""
    return {
        name: _text(value) if isinstance(value, str) else value
        for name, value in attributes.items()
        if value != ""
    }


def _text(text: str) -> str:
    """A text within bounds, without halves of surrogate pairs, which UTF-8 cannot carry."""
    return text[:_TEXT_CHARS].encode("utf-8", "backslashreplace").decode()
