"""What healthy deployments show beyond what was agreed on: rollouts, balancers, spellings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from smokegate.fault_proxy import (
    AddFractions,
    AddHeader,
    Answer,
    EditJson,
    EveryNth,
    Fault,
    FirstN,
    Redirect,
    RemoveField,
    Truncate,
)

from tests.system.acted_out.acts import drawn, proxied
from tests.system.acted_out.liars import late_log_outs
from tests.system.acted_out.own_lattices import second_replica, without_its_redis
from tests.system.acted_out.rows import OPEN, Condition

LATER = Answer(429, b"Slow down.", headers=(("Retry-After", "1"),))


@dataclass(frozen=True)
class AtFirst:
    """The n-th, the 2n-th and so on, as long as there are no more than so many."""

    n: int
    until: int

    def chosen(self, ordinal: int) -> bool:
        return ordinal <= self.until and ordinal % self.n == 0


def starting(number: int) -> Sequence[Fault]:
    """The first requests meet a service that is not up, as a balancer or it itself may say."""
    body = b'{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"Soon."}'
    itself = Answer(503, body, "application/problem+json", (("Retry-After", "1"),))
    balancer = Answer(502, b"<html>Bad Gateway</html>", "text/html")
    return [Fault(balancer if number % 2 else itself, when=FirstN(12))]


def typed_problem(found: Any) -> Any:
    """A refusal that has a type of its own, with a title and members to that."""
    if not isinstance(found, dict) or "title" not in found:
        return found
    more = {"type": "https://errors.example/1", "title": "It did not work", "instance": "urn:x"}
    return found | more


FURTHER = (
    Condition(
        "H01",
        "503 with Retry-After, or a balancer's 502, while the service starts",
        "a proxy answers the first 12 requests so, in turn",
        (drawn(starting),),
    ),
    Condition(
        "H02",
        "two versions answer until a rolling deployment has ended",
        "every second one of the first 60 connections leads to a replica of another version",
        (second_replica({"LATTICE_VERSION": "0.0.9"}, AtFirst(2, until=60)),),
    ),
    Condition(
        "H03",
        "429 with Retry-After now and then",
        "a proxy answers one in 25 requests so, but for those that look for the limit",
        (proxied(Fault(LATER, path="^/api/(?!auth/me$)", when=EveryNth(25))),),
    ),
    Condition(
        "H04",
        "connections are not kept",
        "a proxy closes each after its reply, announced and not in turn",
        (
            proxied(Fault(AddHeader("Connection", "close"))),
            proxied(Fault(Truncate(keep=1.0))),
        ),
        OPEN,
    ),
    Condition(
        "H05",
        "a balancer's cookies",
        "a proxy adds two to every reply",
        (
            proxied(
                Fault(AddHeader("Set-Cookie", "AWSALB=0123456789abcdef; Path=/")),
                Fault(AddHeader("Set-Cookie", "JSESSIONID=0123456789ABCDEF; Path=/; HttpOnly")),
            ),
        ),
    ),
    Condition(
        "H06",
        "JSON in another spelling: whole numbers as 1.0",
        "a proxy writes them so",
        (proxied(Fault(AddFractions())),),
    ),
    Condition(
        "H07",
        "refusals with a type of their own, or without any",
        "a proxy gives them one, with a title to it, and removes it in turn",
        (
            proxied(Fault(EditJson(typed_problem))),
            proxied(Fault(RemoveField(("type",)))),
        ),
    ),
    Condition(
        "H08",
        "an optional Redis is away",
        "Lattice is told of one that refuses connections",
        (without_its_redis,),
        OPEN,
    ),
    Condition(
        "H09",
        "a log-out takes effect a moment late",
        "a proxy lets a session go on for 1 s",
        (drawn(lambda _: late_log_outs(1.0)),),
        OPEN,
    ),
    Condition(
        "H10",
        "every request, writes too, is redirected on the same origin",
        "a proxy answers those without a query with 307, or 308 in turn, to the path with one",
        tuple(
            proxied(Fault(Redirect("{target}?canonical=1", status), path=r"^[^?]*$"))
            for status in (307, 308)
        ),
    ),
)
