"""Faults of HTTP itself: statuses, headers, bodies and how they travel."""

from __future__ import annotations

from dataclasses import replace

from smokegate.fault_proxy import (
    BrokenGzip,
    Drip,
    EditReply,
    EveryNth,
    Fault,
    GzipBomb,
    Redirect,
    ReflectOrigin,
    RemoveField,
    RemoveHeader,
    Reply,
    Request,
    Seeded,
    SetField,
    SetHeader,
    SetStatus,
    Truncate,
)
from smokegate.results import Action

from tests.system.acted_out.acts import drawn, proxied
from tests.system.acted_out.own_lattices import broken_inside
from tests.system.acted_out.rows import EVERY_CHECK, EVERY_CHECK_OF_JSON, SAMPLED, Wrong

PATHS = "workflows.test_lattice_pathfinding_flow"
PLANS, USAGE = "workflows.test_subscription_flow", "workflows.test_usage_tracking_flow"
PATHFIND = "/pathfind$"
PAGE = b"<!doctype html><title>Lattice</title>"
TRACE = b'{"detail": "Traceback (most recent call last):\\n  File \\"/app/main.py\\", line 7"}'


def single_page(_: Request, reply: Reply) -> Reply:
    """What serves a page of an application for whatever it does not know."""
    if reply.status != 404:
        return reply
    page = replace(reply, status=200, reason="").with_body(PAGE)
    return page.with_header("Content-Type", "text/html")


def showing_its_trace(_: Request, reply: Reply) -> Reply:
    """What runs in debug mode."""
    return reply.with_body(TRACE) if reply.status == 400 else reply


FAULTS = (
    Wrong(
        "F15",
        "all 500",
        "a proxy sets the status of every reply",
        (proxied(Fault(SetStatus(500))),),
        EVERY_CHECK,
        Action.ROLLBACK,
    ),
    Wrong(
        "F16",
        "one endpoint 500 (unmigrated)",
        "a column of one table is dropped while Lattice runs",
        (
            broken_inside(
                "ALTER TABLE webhooks DROP COLUMN description",
                "has no column named description",
            ),
        ),
        "workflows.test_webhook_registration_flow",
        Action.MONITOR,
    ),
    Wrong(
        "F17",
        "1-in-20 500",
        "a proxy turns 5% of all replies into 500, drawn at random",
        (drawn(lambda run: [Fault(SetStatus(500), when=Seeded(0.05, seed=run))], **SAMPLED),),
        "run.sampler",
        Action.ROLLBACK,
    ),
    Wrong(
        "F17b",
        "one replica of two broken",
        "a proxy turns every reply on every second connection into 500",
        (
            proxied(
                Fault(SetStatus(500), per="connection", when=EveryNth(2)),
                **SAMPLED,
            ),
        ),
        "run.sampler",
        Action.ROLLBACK,
    ),
    Wrong(
        "F19",
        "503 past grace",
        "a proxy answers 503 for longer than the target is waited for",
        (proxied(Fault(SetStatus(503))),),
        "run.settling",
        Action.ROLLBACK,
    ),
    Wrong(
        "F20",
        "502/504",
        "a proxy sets the status of every reply, to each in turn",
        (proxied(Fault(SetStatus(502))), proxied(Fault(SetStatus(504)))),
        EVERY_CHECK,
        Action.ROLLBACK,
    ),
    Wrong(
        "F22",
        "redirect to foreign host",
        "a proxy redirects /health",
        (proxied(Fault(Redirect("https://foreign.example{target}", 307), path="^/health$")),),
        "health.test_api_server_running",
        Action.ROLLBACK,
    ),
    Wrong(
        "F22b",
        "a redirect to itself",
        "a proxy redirects every path to itself",
        (proxied(Fault(Redirect("{target}", 307))),),
        "health.test_api_server_running",
        Action.ROLLBACK,
    ),
    Wrong(
        "F24",
        "404 as 200 HTML (SPA)",
        "a proxy turns every 404 into a page",
        (proxied(Fault(EditReply(single_page))),),
        "health.test_error_handling",
        Action.ROLLBACK,
    ),
    Wrong(
        "F27",
        "JSON as text/html",
        "a proxy sets the media type of every reply",
        (proxied(Fault(SetHeader("Content-Type", "text/html"))),),
        EVERY_CHECK_OF_JSON,
        Action.ROLLBACK,
    ),
    Wrong(
        "F28",
        "HSTS missing",
        "a proxy strips the header",
        (proxied(Fault(RemoveHeader("Strict-Transport-Security"))),),
        "health.test_security_headers",
        Action.INVESTIGATE,
    ),
    Wrong(
        "F28b",
        "security headers on some paths only",
        "a proxy strips one from every reply under /api/",
        (proxied(Fault(RemoveHeader("X-Content-Type-Options"), path="^/api/")),),
        "health.test_security_headers",
        Action.INVESTIGATE,
    ),
    Wrong(
        "F29",
        "CORS `*`/reflected + credentials",
        "a proxy allows whichever origin asks, by name and by * in turn",
        (proxied(Fault(ReflectOrigin())), proxied(Fault(ReflectOrigin(wildcard=True)))),
        "health.test_cors_headers",
        Action.ROLLBACK,
    ),
    Wrong(
        "F31",
        "private data publicly cacheable",
        "a proxy sets Cache-Control under /api/",
        (proxied(Fault(SetHeader("Cache-Control", "public, max-age=60"), path="^/api/")),),
        "workflows.test_authenticated_api_access",
        Action.ROLLBACK,
    ),
    Wrong(
        "F32",
        "truncated, Content-Length",
        "a proxy ends the connection in the middle of the body",
        (proxied(Fault(Truncate(0.5), path="^/api/plans")),),
        PLANS,
        Action.MONITOR,
    ),
    Wrong(
        "F34",
        "broken gzip",
        "a proxy sends a body that says it is gzip and is not",
        (proxied(Fault(BrokenGzip(), path="^/api/plans")),),
        PLANS,
        Action.MONITOR,
    ),
    Wrong(
        "F35",
        "slow drip",
        "a proxy sends a byte every half second",
        (proxied(Fault(Drip(0.5), path="^/api/plans"), timeout_s=2),),
        PLANS,
        Action.MONITOR,
    ),
    Wrong(
        "F37",
        "decompression bomb",
        "a proxy sends a body that unpacks to 64 MiB",
        (proxied(Fault(GzipBomb(64), path="^/api/usage")),),
        USAGE,
        Action.MONITOR,
    ),
    Wrong(
        "F39",
        "required field gone/retyped",
        "a proxy removes it and makes it a text in turn",
        (
            proxied(Fault(RemoveField(("path",)), path=PATHFIND)),
            proxied(Fault(SetField(("path",), "0,0,0"), path=PATHFIND)),
        ),
        PATHS,
        Action.MONITOR,
    ),
    Wrong(
        "F40",
        "stack trace leaked",
        "a proxy puts one into every reply of status 400",
        (proxied(Fault(EditReply(showing_its_trace))),),
        "health.test_error_handling",
        Action.INVESTIGATE,
    ),
)
