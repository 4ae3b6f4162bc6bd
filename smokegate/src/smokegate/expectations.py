"""What a check demands of a reply, in words that end up in the report.

    expect(reply).status(201).json("name", equals="cube")
    expect(reply, or_else=ROLLBACK).that("the wrong password is refused", reply.status == 401)

Each demand is recorded whether it holds or not. One that does not hold ends the check, unless
`or_else` is milder than a rollback: then the check goes on and the consequence is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from smokegate.client import Client, Evidence, Reply
from smokegate.client.evidence import SOFT
from smokegate.comparison import FEWEST, compare
from smokegate.errors import ExpectationFailed
from smokegate.results import Consequence, Exchange

WARN = Consequence.WARN
MONITOR = Consequence.MONITOR
INVESTIGATE = Consequence.INVESTIGATE
ROLLBACK = Consequence.ROLLBACK

_SHOWN_CHARS = 300
_DETAIL_CHARS = 200


class Demands:
    """The demands on one reply, or on what a check worked out from several."""

    def __init__(
        self, evidence: Evidence, exchange: Exchange | None, or_else: Consequence | None
    ) -> None:
        self._evidence = evidence
        self._exchange = exchange
        self._or_else = or_else

    def that(self, demand: str, holds: bool, *, seen: object = "") -> Demands:
        """Demand anything: `demand` is a clause such as "the path begins at the start"."""
        shown = seen if isinstance(seen, str) else repr(seen)
        self._evidence.expect(
            demand,
            bool(holds),
            seen=self._evidence.shown(shown, _SHOWN_CHARS) or ("it" if holds else "otherwise"),
            exchange=self._exchange,
            or_else=self._or_else,
        )
        return self


class DemandsOfMany(Demands):
    """The demands on what was worked out from several replies of one client's owner."""

    def __init__(self, client: Client, or_else: Consequence | None) -> None:
        super().__init__(client.evidence, None, or_else)
        self._earlier = client.session.earlier_samples

    def as_fast_as_before(self, name: str, times_s: list[float]) -> DemandsOfMany:
        """Demand that these times are not far longer than those of earlier good runs.

        `name` says what was measured, such as "GET /health". Without enough times on either side
        nothing is demanded, and a remark says that there is no baseline.
        """
        self._evidence.samples[name] = [round(time_s, 6) for time_s in times_s]
        earlier_s = [time_s for run in self._earlier.get(name, []) for time_s in run]
        if min(len(times_s), len(earlier_s)) < FEWEST:
            self._evidence.remarks.append(
                f"no baseline for the time of {name}: {len(times_s)} samples now, "
                f"{len(earlier_s)} before, {FEWEST} needed"
            )
            return self
        found = compare(times_s, earlier_s)
        self.that(
            f"{name} is as fast as before the deployment",
            not found.is_slower,
            seen=(
                f"median {found.median_s * 1000:.1f} ms, {found.earlier_median_s * 1000:.1f} ms "
                f"before; slower in {found.effect:.0%} of all pairs (Mann-Whitney p {found.p:.2g})"
            ),
        )
        return self


class ReplyDemands(Demands):
    """The demands on one reply."""

    def __init__(self, reply: Reply, or_else: Consequence | None) -> None:
        super().__init__(reply.evidence, reply.exchange, or_else)
        self._reply = reply

    def status(self, *accepted: int | range) -> ReplyDemands:
        """Demand one of these status codes, or one within a range."""
        wanted = " or ".join(_code(each) for each in accepted)
        status = self._reply.status
        self.that(
            f"status is {wanted}",
            any(status in each if isinstance(each, range) else status == each for each in accepted),
            seen=_status_and_reason(self._reply),
        )
        return self

    def succeeded(self) -> ReplyDemands:
        """Demand success (2xx), whichever way it is said."""
        return self.status(range(200, 300))

    def refused(self) -> ReplyDemands:
        """Demand a client error (4xx): the request was wrong, and the target says so."""
        return self.status(range(400, 500))

    def json(
        self,
        *path: str | int,
        equals: Any = msgspec.UNSET,
        one_of: Iterable[Any] | None = None,
    ) -> ReplyDemands:
        """Demand that a member of the JSON body is there and, where said, has this value."""
        try:
            value = self._reply.read(Any, *path, or_else=self._or_else)
        except ExpectationFailed:
            if self._or_else in SOFT:
                return self  # it is recorded, and the check goes on
            raise
        name = ".".join(map(str, path)) or "the body"
        if equals is not msgspec.UNSET:
            self.that(f"{name} is {equals!r}", _same(value, equals), seen=value)
        elif one_of is not None:
            self.that(f"{name} is one of {one_of!r}", _is_among(value, one_of), seen=value)
        else:
            self.that(f"{name} is there", True, seen=value)
        return self

    def header(self, name: str, *, has: str = "", equals: str = "") -> ReplyDemands:
        """Demand a header and, where said, a part or the whole of its value in any case."""
        value = self._reply.header(name)
        held = value is not None
        demand = f"header {name} is there"
        if equals:
            held, demand = (value or "").lower() == equals.lower(), f"header {name} is {equals}"
        elif has:
            held, demand = has.lower() in (value or "").lower(), f"header {name} has {has}"
        self.that(demand, held, seen="no such header" if value is None else value)
        return self

    def faster_than(self, limit_s: float) -> ReplyDemands:
        """Demand that the target took less time, the network's round trip left out."""
        took_s = self._reply.server_s
        self.that(
            f"the target takes less than {limit_s:g} s", took_s < limit_s, seen=f"{took_s:.3f} s"
        )
        return self


def expect(reply: Reply, *, or_else: Consequence | None = None) -> ReplyDemands:
    """Begin demands on a reply; `or_else` is what it means if one does not hold."""
    return ReplyDemands(reply, or_else)


def expect_all(client: Client, *, or_else: Consequence | None = None) -> DemandsOfMany:
    """Begin demands on what was worked out from several replies of this client's owner."""
    return DemandsOfMany(client, or_else)


def _code(accepted: int | range) -> str:
    if isinstance(accepted, range):
        return f"{accepted.start} to {accepted.stop - 1}"
    return str(accepted)


def _same(value: Any, wanted: Any) -> bool:
    """Equality as JSON has it: true is not 1, and a list is never a tuple's stranger."""
    if isinstance(value, bool) is not isinstance(wanted, bool):
        return False
    if isinstance(value, list) and isinstance(wanted, (list, tuple)):
        return len(value) == len(wanted) and all(map(_same, value, wanted))
    if isinstance(value, dict) and isinstance(wanted, dict):
        return value.keys() == wanted.keys() and all(_same(value[k], wanted[k]) for k in wanted)
    return bool(value == wanted)


def _is_among(value: Any, wanted: Iterable[Any]) -> bool:
    return any(_same(value, each) for each in wanted)


def _status_and_reason(reply: Reply) -> str:
    """The status with what a problem document (RFC 9457) or a short text says of it."""
    if reply.status < 300:  # noqa: PLR2004 - there is nothing to explain
        return str(reply.status)
    if reply.status < 400:  # noqa: PLR2004 - below are no errors to explain
        location = (reply.header("Location") or "").partition("?")[0]
        led = f" to {reply.evidence.shown(location, _DETAIL_CHARS)!r}" if location else ""
        return f"{reply.status}{led}"
    try:
        document = msgspec.json.decode(reply.body)
        found = document.get("detail") or document.get("message") or document.get("title")
        detail = str(found or "")
    except (msgspec.DecodeError, AttributeError, RecursionError, ValueError):
        detail = reply.text if reply.media_type.startswith("text/plain") else ""
    shown = reply.evidence.shown(detail, _DETAIL_CHARS)
    return f"{reply.status} {shown!r}" if detail else str(reply.status)
