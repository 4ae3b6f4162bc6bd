"""What every tool has to ask, and how fast that could be answered at best."""

from __future__ import annotations

from collections import Counter

from bench.time_to_verdict.backend import PASSWORD_S

REQUESTS = Counter(
    {
        "GET /api/limited": 150,
        "POST /api/auth/register": 3,
        "DELETE /api/auth/me": 3,
        "GET /api/auth/me": 3,
        "POST /api/lattices": 3,
        "POST /api/auth/login": 2,
        "GET /api/lattices": 2,
        "GET /api/lattices/{id}": 2,
        "GET /health": 2,
        "GET /health/database": 1,
        "GET /version": 1,
        "GET /metrics": 1,
        "GET /openapi.json": 1,
        "GET /nowhere": 1,
        "POST /api/lattices/{id}/pathfind": 1,
        "DELETE /api/lattices/{id}": 1,
        "POST /api/webhooks": 1,
        "GET /api/webhooks/{id}": 1,
        "GET /api/usage": 1,
    }
)
# Each step needs what the one before brought, so each takes a round trip at least.
LONGEST_CHAIN = ("TCP", "TLS 1.3", "register", "log in", "who am I", "leave")
_PASSWORDS = 2


def limit_s(round_trip_s: float) -> float:
    """The least that a verdict takes, however fast the tool: the longest chain, and its hashes."""
    return len(LONGEST_CHAIN) * round_trip_s + _PASSWORDS * PASSWORD_S


def difference(seen: Counter[str]) -> str:
    """What was asked too often and too seldom; empty if the work was equal."""
    more, less = seen - REQUESTS, REQUESTS - seen
    parts = [f"+{n} {what}" for what, n in more.items()]
    return ", ".join([*parts, *(f"-{n} {what}" for what, n in less.items())])
