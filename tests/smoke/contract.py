"""What Lattice promises in its replies: the members that users rely on, and what they may be.

Whatever else a reply has is free. Things are compared as values: `kept.read(Lattice) == made`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Struct, convert, field
from msgspec.structs import force_setattr
from smokegate.errors import ExpectationFailed
from smokegate.results import Consequence

from smokegate import INVESTIGATE, ROLLBACK, WARN, Reply, expect

LATTICES = "/api/lattices"
WEBHOOKS = "/api/webhooks"

Text = Annotated[str, Meta(min_length=1)]
Time = Annotated[datetime, Meta(tz=True)]  # RFC 3339
Count = Annotated[int, Meta(ge=0)]
Cell = tuple[int, ...]
Thing = TypeVar("Thing", bound=Struct)


class Tokens(Struct, frozen=True):
    access_token: Text
    refresh_token: Text
    token_type: Annotated[str, Meta(pattern="^(?i:bearer)$")]  # in any case (RFC 6749, 5.1)
    expires_in: Count


class User(Struct, frozen=True):
    id: Text
    email: Text
    role: Text
    created_at: Time

    def __post_init__(self) -> None:
        force_setattr(self, "email", self.email.lower())  # which letter case is free


class Tenant(Struct, frozen=True):
    id: Text
    name: Text
    plan: Text
    created_at: Time


class Limits(Struct, frozen=True):
    lattices: Count
    dimensions: Count
    cells: Count
    webhooks: Count


class Plan(Struct, frozen=True):
    code: Text
    name: Text
    price_cents: Count
    limits: Limits


class Subscription(Struct, frozen=True):
    plan: Text
    status: Literal["none", "active", "canceled"]
    started_at: Time | None
    canceled_at: Time | None
    limits: Limits


class Summary(Struct, frozen=True):
    """A lattice as lists have it."""

    id: Text
    name: Text
    description: str | None
    dimensions: Cell
    connectivity: Literal["axis", "diagonal"]
    cells: Count
    edges: Count
    obstacle_count: Count
    created_at: Time
    updated_at: Time


class Lattice(Summary, frozen=True):
    obstacles: list[Cell]

    def __post_init__(self) -> None:
        force_setattr(self, "obstacles", sorted(self.obstacles))  # in which order is free

    @property
    def summary(self) -> Summary:
        return convert(self, Summary, from_attributes=True)


class Page(Struct, frozen=True):
    items: list[Summary]
    total: Count
    limit: Count
    offset: Count


class Way(Struct, frozen=True):
    """The answer to a search; without a path if there is no way through."""

    reachable: bool
    length: Count | None
    cost: Count | None
    explored: Count
    elapsed_ms: Annotated[float, Meta(ge=0)]
    path: list[Cell] | None


class Webhook(Struct, frozen=True):
    id: Text
    url: Text
    events: list[Text]
    description: str | None
    enabled: bool
    created_at: Time


class Webhooks(Struct, frozen=True):
    items: list[Webhook]
    total: Count


class Queued(Struct, frozen=True, kw_only=True):
    """A delivery that is to be sent."""

    id: Text = field(name="delivery_id")
    event: Text
    status: Literal["pending", "delivered", "failed"]


class Delivery(Struct, frozen=True):
    id: Text
    event: Text
    status: Literal["pending", "delivered", "failed"]
    attempts: Count
    response_status: int | None
    error: str | None
    created_at: Time
    delivered_at: Time | None


class Deliveries(Struct, frozen=True):
    items: list[Delivery]
    total: Count


class Counts(Struct, frozen=True):
    calls: Count
    lattices_created: Count
    path_searches: Count

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.calls + other.calls,
            self.lattices_created + other.lattices_created,
            self.path_searches + other.path_searches,
        )


class Day(Counts, frozen=True, kw_only=True):
    day: date = field(name="date")


class Usage(Struct, frozen=True):
    first: date = field(name="from")
    last: date = field(name="to")
    totals: Counts
    days: list[Day]

    @property
    def adds_up(self) -> bool:
        """Whether every day is there once, and the totals are the sum of all."""
        dates = sorted(each.day for each in self.days)
        count = (self.last - self.first).days + 1
        is_whole = len(set(dates)) == len(dates) == count > 0
        in_all = sum(self.days, start=Counts(0, 0, 0))
        return is_whole and (dates[0], dates[-1], in_all) == (self.first, self.last, self.totals)


class FieldProblem(Struct, frozen=True):
    field: Text
    detail: Text


# As RFC 9110 has them now, or had them before.
STATUS_TITLES = {
    "Bad Request",
    "Unauthorized",
    "Forbidden",
    "Not Found",
    "Method Not Allowed",
    "Conflict",
    "Unprocessable Content",
    "Unprocessable Entity",
    "Too Many Requests",
    "Service Unavailable",
}


class Problem(Struct, frozen=True):
    """A refusal (RFC 9457): of a type of its own, or titled by its status."""

    title: Text
    status: int
    detail: Text
    type: Annotated[str, Meta(pattern="^(about:blank$|https?:|urn:|tag:|/)")] = "about:blank"
    errors: list[FieldProblem] | None = None

    def __post_init__(self) -> None:
        if self.type == "about:blank" and self.title not in STATUS_TITLES:
            raise ValueError(f"{self.title!r} is the title of no status")


def expect_refused(
    reply: Reply,
    *statuses: int,
    naming: Sequence[str] = (),
    or_else: Consequence | None = None,
) -> Problem | None:
    """Demand a refusal with one of these statuses (by default any 4xx), in good order.

    One that does not say what is wrong by RFC 9457 is to be looked at. `naming` are the fields,
    these and no others, that it must name.
    """
    expect(reply, or_else=or_else).status(*statuses or (range(400, 500),))
    in_bad_order = WARN if or_else is WARN else INVESTIGATE
    order = expect(reply, or_else=in_bad_order)
    if reply.status == 401:  # it says how to get in (RFC 9110, 15.5.2)
        order.header("WWW-Authenticate", has="Bearer")
    try:
        problem = reply.read(Problem, or_else=in_bad_order)
    except ExpectationFailed:
        return None  # it is recorded, and the check goes on
    order.that("its problem has its status", problem.status == reply.status, seen=problem)
    if naming:
        named = [each.field.partition(".")[0] for each in problem.errors or []]
        is_named = sorted(named) == sorted(naming)
        expect(reply).that(f"what is wrong is named: {', '.join(naming)}", is_named, seen=named)
    return problem


def expect_same(
    reply: Reply,
    demand: str,
    found: Thing,
    wanted: Thing,
    *,
    or_else: Consequence | None = ROLLBACK,
) -> None:
    """Demand that a thing is what it must be; what differs is shown."""
    flaw = "; ".join(
        f"{name} is {getattr(found, name)!r}, not {getattr(wanted, name)!r}"
        for name in found.__struct_fields__
        if getattr(found, name) != getattr(wanted, name)
    )
    expect(reply, or_else=or_else).that(demand, not flaw, seen=flaw)
