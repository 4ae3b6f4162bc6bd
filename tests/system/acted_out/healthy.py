"""What healthy deployments show, and what a verdict may make of it: never a rollback."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from smokegate.fault_proxy import (
    AddHeader,
    Chunked,
    EditJson,
    EditRequest,
    ExtraFields,
    Fault,
    FirstN,
    Gzip,
    Latency,
    Only,
    Redirect,
    RenameHeaders,
    Request,
    ShiftDate,
)
from smokegate.results import JudgedRun, Outcome

from tests.system.acted_out.acts import as_it_is, drawn, proxied, relayed
from tests.system.acted_out.addresses import ipv6_first
from tests.system.acted_out.own_lattices import over_http2
from tests.system.acted_out.rows import OPEN, Condition
from tests.system.delay_relay import Reset, Stall

# A run opens more connections than this, and those that carry a reply more bytes than that.
CONNECTIONS, BYTES = 200, 2000
REQUESTS = 400


def stalled(number: int) -> Stall:
    """One connection stops for 200 ms to 1 s, somewhere."""
    draw = random.Random(number)
    connection, after = draw.randint(1, CONNECTIONS), draw.randint(0, BYTES)
    return Stall(connection, draw.uniform(0.2, 1.0), after)


def lost(number: int) -> Reset:
    """One connection is reset, somewhere."""
    draw = random.Random(number)
    return Reset(draw.randint(1, CONNECTIONS), draw.randint(0, BYTES))


def cold(number: int) -> Sequence[Fault]:
    """The first request takes 1 to 5 s."""
    return [Fault(Latency(1.0 + number % 5), when=FirstN(1))]


def paused(number: int) -> Sequence[Fault]:
    """One request, any of them, takes 800 ms longer."""
    return [Fault(Latency(0.8), when=Only(random.Random(number).randint(1, REQUESTS)))]


def clock_off(seconds: float) -> Sequence[Fault]:
    """Every time that the service tells is off."""
    shift = timedelta(seconds=seconds)

    def shifted(found: Any) -> Any:
        if isinstance(found, dict):
            return {key: shifted(value) for key, value in found.items()}
        if isinstance(found, list):
            return [shifted(value) for value in found]
        try:
            time = datetime.fromisoformat(found)
            return (time + shift).isoformat() if "T" in found else found  # a day stays the day
        except (TypeError, ValueError):
            return found

    return Fault(ShiftDate(seconds)), Fault(EditJson(shifted))


def asking_for_openmetrics(request: Request) -> Request:
    """What a scraper sends that prefers OpenMetrics."""
    return request.with_header("Accept", "application/openmetrics-text; version=1.0.0")


def redis_skipped(runs: Sequence[JudgedRun]) -> int:
    """Count the runs that met a service without Redis."""
    return sum(
        check.id == "health.test_redis_connection" and check.outcome is Outcome.SKIPPED
        for run in runs
        for check in run.checks
    )


def at_the_same_time(runs: Sequence[JudgedRun]) -> int:
    """Count the runs that began before the first one ended."""
    ended = min(run.finished_at for run in runs)
    began = [run for run in runs if run.started_at < ended]
    return len(began) if len(began) > 1 else 0


AGREED = (
    Condition(
        "B01",
        "one packet lost: bytes of one connection stall 200 ms to 1 s, then go on",
        "a relay stops the bytes to the client of one of 200 connections, at any of 2,000 bytes",
        (relayed(stalled),),
        OPEN,
    ),
    Condition(
        "B02",
        "one connection reset, the next is fine",
        "a relay resets one of 200 connections, at any of 2,000 bytes",
        (relayed(lost),),
        OPEN,
    ),
    Condition(
        "B03",
        "first request slow (cold start, up to 5 s)",
        "a proxy holds back the first reply for 1, 2, 3, 4 or 5 s",
        (drawn(cold),),
        OPEN,
    ),
    Condition(
        "B05",
        "the server's clock 30 s off, either way",
        "a proxy shifts the Date header and every time in JSON, forth and back in turn",
        (proxied(*clock_off(30)), proxied(*clock_off(-30))),
    ),
    Condition(
        "B06",
        "optional Redis not configured",
        "Lattice has none",
        (as_it_is(redis_skipped),),
    ),
    Condition(
        "B07",
        "unknown extra fields in JSON replies",
        "a proxy adds fields to every JSON object, nested ones too",
        (proxied(Fault(ExtraFields())),),
    ),
    Condition(
        "B08",
        "header names in another case",
        "a proxy writes them in capitals, and with a capital each in turn",
        (proxied(Fault(RenameHeaders(str.upper))), proxied(Fault(RenameHeaders(str.title)))),
    ),
    Condition(
        "B09",
        "HTTP/2 instead of HTTP/1.1",
        "Lattice's application on a server that speaks HTTP/2 only",
        (over_http2,),
    ),
    Condition(
        "B10",
        "chunked transfer encoding",
        "a proxy sends every body in chunks of 64 bytes",
        (proxied(Fault(Chunked(64))),),
    ),
    Condition(
        "B11",
        "gzip replies",
        "a proxy compresses every body",
        (proxied(Fault(Gzip())),),
    ),
    Condition(
        "B12",
        "headers added by a proxy (Via, X-Request-Id, Server-Timing)",
        "a proxy adds them to every reply",
        (
            proxied(
                Fault(AddHeader("Via", "1.1 front")),
                Fault(AddHeader("X-Request-Id", "0f8fad5b")),
                Fault(AddHeader("Server-Timing", "db;dur=53, app;dur=47.2")),
            ),
        ),
    ),
    Condition(
        "B14",
        "two smoke runs against one target at once",
        "two commands at the same time; the worse of their verdicts counts",
        (as_it_is(at_the_same_time, at_once=2),),
    ),
    Condition(
        "B16",
        "a name that resolves to IPv6 first, IPv6 unreachable",
        "a name whose first address lies behind a network device that swallows every packet",
        (ipv6_first,),
        OPEN,
    ),
    Condition(
        "B17",
        "a redirect to a canonical path on the same origin",
        "a proxy answers every GET without a query with 308 to the path with one",
        (proxied(Fault(Redirect("{target}?canonical=1", 308), method="GET", path=r"^[^?]*$")),),
    ),
    Condition(
        "B19",
        "OpenMetrics content type on /metrics",
        "a proxy asks Lattice for OpenMetrics, whatever the client asked for",
        (proxied(Fault(EditRequest(asking_for_openmetrics), path="^/metrics$")),),
    ),
    Condition(
        "B21",
        "one request 800 ms slower than the rest (a collector's pause)",
        "a proxy holds back one of 400 replies",
        (drawn(paused),),
        OPEN,
    ),
)
