"""What the API answers of runs that are asked for: how far each is, and its verdict."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

import msgspec
from starlette.exceptions import HTTPException

from smokegate.history.queries import RememberedRun
from smokegate.reports.escaping import one_line
from smokegate.service.access.visitors import Visitor
from smokegate.service.api import answers
from smokegate.service.asked import Nothing, OneRun, OneVerdict
from smokegate.service.desk import Desk
from smokegate.service.gate.gate import Gate
from smokegate.service.gate.order import Order, Review, State, Wanted
from smokegate.service.gate.review import status_of

_REASON_CHARS = 300
_CLOSED = (
    "No runs can be asked for here; what smokegate serve printed when it was started says why."
)
_NO_GITHUB = "GitHub cannot be told: set github_token, or github_app_id and github_app_key."

# In Python `$` is before a last newline as well.
Word = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]


class RunGiven(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be verified; the same again is the same run, as long as its verdict is fresh.

    `target` can be left out where there is one. `github_deployment`, as owner/repository/id, is
    told how it went.
    """

    target: Word = ""
    expect_version: Word = ""
    deployment: Word = ""
    key: Word = ""
    github_deployment: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^([A-Za-z0-9-]{1,100}/(?!\.+/)[A-Za-z0-9_.-]{1,100}/[0-9]{1,20})?$(?!\n)"
        ),
    ] = ""


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go on; `run` is empty until the run is in the history."""

    verdict: str
    run: str = ""


class Requested(msgspec.Struct, frozen=True, kw_only=True):
    """A run and its verdict; `action` is running, which opens no gate, until there is one."""

    id: str
    target: str
    state: State
    action: str
    reason: str
    run_id: str
    version: str
    links: Links


async def ask(desk: Desk, visitor: Visitor, asked: Nothing, given: RunGiven) -> Requested:
    """Ask for a run, or join the one that is about the same."""
    del visitor, asked
    wanted = Wanted(
        target=given.target,
        expect_version=given.expect_version,
        deployment=given.deployment,
        key=given.key,
        review=_status(desk, given.github_deployment),
    )
    return requested(desk, gate_of(desk).ask(wanted))


async def run(desk: Desk, visitor: Visitor, asked: OneRun) -> RememberedRun | Requested:
    """One run with all that is kept of it; by the id that POST gave, how far it is."""
    order = _order(desk, asked.run_id)
    if order:
        return requested(desk, order)
    return await desk.ask(visitor, lambda question: answers.run(question, asked))


async def verdict(desk: Desk, visitor: Visitor, asked: OneVerdict) -> Requested:
    """The verdict of a run, as soon as there is one, or how far it is after some seconds."""
    order = _order(desk, asked.run_id)
    if order:
        return requested(desk, await gate_of(desk).wait(order, asked.wait))
    return _remembered(desk, await desk.ask(visitor, lambda question: answers.run(question, asked)))


async def cancel(desk: Desk, visitor: Visitor, asked: OneRun) -> Requested:
    """End a run that was asked for; it is inconclusive."""
    del visitor
    order = _order(desk, asked.run_id)
    if order is None:
        raise answers.no_run(asked.run_id)
    return requested(desk, gate_of(desk).cancel(order))


def gate_of(desk: Desk) -> Gate:
    """The gate; raises `HTTPException` where there is none."""
    if desk.gate is None:
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, _CLOSED)
    return desk.gate


def requested(desk: Desk, order: Order) -> Requested:
    """An order as others see it."""
    return Requested(
        id=order.id,
        target=order.wanted.target,
        state=order.state,
        action=order.action,
        reason=order.reason,
        run_id=order.run_id,
        version=order.version,
        links=_links(desk, order.id, order.run_id),
    )


def _remembered(desk: Desk, found: RememberedRun) -> Requested:
    return Requested(
        id=found.run.run_id,
        target=found.run.target,
        state="done",
        action=found.run.action,
        reason=one_line(found.run.reason, _REASON_CHARS),
        run_id=found.run.run_id,
        version=found.run.version,
        links=_links(desk, found.run.run_id, found.run.run_id),
    )


def _links(desk: Desk, asked_id: str, run_id: str) -> Links:
    there = desk.dashboard_url
    return Links(
        verdict=f"{there}/api/runs/{asked_id}/verdict",
        run=f"{there}/run?id={run_id}" if run_id else "",
    )


def _order(desk: Desk, order_id: str) -> Order | None:
    return desk.gate.order(order_id) if desk.gate else None


def _status(desk: Desk, deployment: str) -> Review | None:
    if not deployment:
        return None
    if desk.github is None or not desk.github.can_write:
        raise HTTPException(HTTPStatus.CONFLICT, _NO_GITHUB)
    return status_of(desk.github.api, *deployment.split("/"))
