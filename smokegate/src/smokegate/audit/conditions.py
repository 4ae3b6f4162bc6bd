"""The conditions that healthy deployments show, as far as a proxy can act them out."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from smokegate.audit.undisturbed import Undisturbed
from smokegate.fault_proxy import (
    AddFractions,
    AddHeader,
    Chunked,
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
    ResetBeforeReply,
    ResetMidBody,
    ResetOnAccept,
    ShiftDate,
    Stall,
    Truncate,
)
from smokegate.results import Action

# Runs differ a little in how much they send; what is drawn must come up in each.
_IN_EVERY_RUN = 0.8
_ELSEWHERE = "/.canonical"
_OPEN = (Action.PROCEED, Action.MONITOR)

Faults = Sequence[Fault]


@dataclass(frozen=True)
class Draw:
    """What one run is drawn from: its number, from 0, and what an undisturbed one showed."""

    number: int
    chance: random.Random
    seen: Undisturbed

    def request(self, method: str = "") -> Only:
        """One of the requests with this method, or of all."""
        return self._one_of(self.seen.requests(method))

    def connection(self) -> Only:
        """One of the connections."""
        return self._one_of(self.seen.connections)

    def _one_of(self, there_are: int) -> Only:
        return Only(self.chance.randint(1, max(1, int(there_are * _IN_EVERY_RUN))))


@dataclass(frozen=True)
class Condition:
    """One that can be acted out; `needs` says why not, if so, going by the undisturbed run."""

    id: str
    title: str
    draw: Callable[[Draw], Faults]
    needs: Callable[[Undisturbed], str] = lambda _: ""
    allowed: tuple[Action, ...] = (Action.PROCEED,)


def _reset(draw: Draw) -> Faults:
    """One connection is reset: when it is made, before a reply or within one, in turn."""
    where = (
        Fault(ResetOnAccept(), when=draw.connection()),
        Fault(ResetBeforeReply(), when=draw.request()),
        Fault(ResetMidBody(draw.chance.random()), method="GET", when=draw.request("GET")),
    )
    return [where[draw.number % len(where)]]


def _stall(draw: Draw) -> Faults:
    stall = Stall(draw.chance.uniform(0.2, 1.0), keep=draw.chance.random())
    return [Fault(stall, method="GET", when=draw.request("GET"))]


def _redirect(_: Draw) -> Faults:
    """Every request is sent to another path, which is known to the proxy alone."""
    return [
        Fault(Redirect(f"{_ELSEWHERE}{{target}}", 308), path=f"(?!^{_ELSEWHERE}/)^"),
        Fault(EditRequest(_brought_back), path=f"^{_ELSEWHERE}/"),
    ]


def _close(draw: Draw) -> Faults:
    """No connection is kept; whether that is announced takes turns."""
    announced = AddHeader("Connection", "close")
    return [Fault(Truncate(keep=1.0) if draw.number % 2 else announced)]


def _brought_back(request: Request) -> Request:
    return replace(request, target=request.target.removeprefix(_ELSEWHERE))


def _needs_bodies(seen: Undisturbed) -> str:
    return "" if any(each.reply_bytes for each in seen.exchanges()) else "no reply has a body"


def _needs_json(seen: Undisturbed) -> str:
    return "" if seen.has_header("content-type", "json") else "no reply is JSON"


def _needs_date(seen: Undisturbed) -> str:
    return "" if seen.has_header("date") else "no reply has a Date"


CONDITIONS: tuple[Condition, ...] = (
    Condition(
        "stall",
        "one reply stops for 200 ms to 1 s, then goes on",
        _stall,
        _needs_bodies,
        _OPEN,
    ),
    Condition("reset", "one connection is reset, the next is fine", _reset, _needs_bodies, _OPEN),
    Condition(
        "cold-start",
        "the first request takes 1 to 5 s",
        lambda draw: [Fault(Latency(1.0 + draw.number % 5), when=FirstN(1))],
        allowed=_OPEN,
    ),
    Condition(
        "pause",
        "one request is 800 ms slower than the rest",
        lambda draw: [Fault(Latency(0.8), when=draw.request())],
        allowed=_OPEN,
    ),
    Condition(
        "clock",
        "the Date of every reply is 30 s off, forth and back in turn",
        lambda draw: [Fault(ShiftDate(-30.0 if draw.number % 2 else 30.0))],
        _needs_date,
    ),
    Condition(
        "extra-fields",
        "every JSON object has fields that nobody knows",
        lambda _: [Fault(ExtraFields())],
        _needs_json,
    ),
    Condition(
        "header-case",
        "headers are named in capitals, and with a capital each in turn",
        lambda draw: [Fault(RenameHeaders(str.title if draw.number % 2 else str.upper))],
    ),
    Condition(
        "chunked",
        "every body comes in chunks of 64 bytes",
        lambda _: [Fault(Chunked(64))],
        _needs_bodies,
    ),
    Condition("gzip", "every body is compressed", lambda _: [Fault(Gzip())], _needs_bodies),
    Condition(
        "proxy-headers",
        "replies have the headers of a proxy: Via, X-Request-Id, Server-Timing",
        lambda _: [
            Fault(AddHeader("Via", "1.1 front")),
            Fault(AddHeader("X-Request-Id", "0f8fad5b")),
            Fault(AddHeader("Server-Timing", "db;dur=53, app;dur=47.2")),
        ],
    ),
    Condition(
        "redirect",
        "every request is redirected to a canonical path on the same origin",
        _redirect,
    ),
    Condition(
        "fractions",
        "whole numbers in JSON are written with a fraction",
        lambda _: [Fault(AddFractions())],
        _needs_json,
    ),
    Condition(
        "close",
        "every connection is closed after its reply, announced and not in turn",
        _close,
        _needs_bodies,
        _OPEN,
    ),
)
