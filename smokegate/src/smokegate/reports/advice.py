"""Likely causes and the next step, for replies with a status that was not expected.

Requests without a reply bring theirs along (`Trouble`); this is the same for what was answered.
"""

from __future__ import annotations

from typing import NamedTuple

from smokegate.reports.causes import Cause

_STATUS_DEMAND = "status is "
_BROKEN_OFF = "deadline"  # the end of a check or of the run, whose reason says it all


class Advice(NamedTuple):
    """What is probably behind a failure, and what to look at first."""

    causes: list[str]
    next_step: str


_AUTHENTICATION = Advice(
    ["the signing key, issuer or clock changed", "a proxy drops the Authorization header"],
    "authentication failed: compare how tokens are made and checked with the version before",
)
_FORBIDDEN = Advice(
    ["the rights of new accounts changed", "a firewall in front of the service refuses"],
    "access was denied: see from the reply's headers who answered, then look at its rules",
)
_NOT_FOUND = Advice(
    ["the route moved or is gone in this version", "a proxy sends it elsewhere"],
    "compare the route with the API description that this version serves",
)
_THROTTLED = Advice(
    ["other traffic shares this client's limit", "the limit was lowered"],
    "look at the reply's RateLimit and Retry-After headers",
)
_ERROR = Advice(
    ["an exception that nobody handles", "a migration that was not run", "a missing setting"],
    "look in the service's log for the traceback at the time of this request",
)
_UPSTREAM = Advice(
    ["the service or a dependency is down or not ready yet", "it is overloaded"],
    "look at the readiness of the instances and of what they depend on",
)
_BY_STATUS = {
    401: _AUTHENTICATION,
    403: _FORBIDDEN,
    404: _NOT_FOUND,
    429: _THROTTLED,
    500: _ERROR,
    502: _UPSTREAM,
    503: _UPSTREAM,
    504: _UPSTREAM,
}


def advice(cause: Cause) -> Advice | None:
    """Say what is probably behind a failure, where that is known."""
    if cause.trouble is not None and cause.trouble.kind != _BROKEN_OFF:
        return Advice(cause.trouble.causes, cause.trouble.next_step)
    for expectation, exchange in cause.expectations[:1]:
        if exchange is not None and expectation.demand.startswith(_STATUS_DEMAND):
            return _BY_STATUS.get(exchange.status or 0)
    return None
