"""The caller's usage."""

import re
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BeforeValidator
from starlette.requests import Request

from lattice.database import Transactions
from lattice.errors import InvalidError
from lattice.security.caller import CurrentCaller
from lattice.usage import service
from lattice.usage.counter import Counter
from lattice.usage.schemas import Usage

SPAN_DAYS_DEFAULT = 30
SPAN_DAYS_MAX = 366
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _only_as_written(day: object) -> object:
    # A number would be taken for seconds since 1970.
    if isinstance(day, str) and not ISO_DATE.fullmatch(day):
        msg = "a day is written as 2026-01-31"
        raise ValueError(msg)
    return day


Day = Annotated[date, BeforeValidator(_only_as_written)]


async def _not_counted(request: Request) -> None:
    request.state.counts = False


# Refused readings too: what is counted must not depend on how one looks at it.
router = APIRouter(prefix="/api/usage", tags=["usage"], dependencies=[Depends(_not_counted)])


async def _span(
    first: Annotated[
        Day | None,
        Query(alias="from", description="First day, UTC; by default 29 days before the last."),
    ] = None,
    last: Annotated[
        Day | None, Query(alias="to", description="Last day, UTC; by default today.")
    ] = None,
) -> tuple[date, date]:
    last = last or service.today()
    if first is None:
        first = date.fromordinal(max(1, last.toordinal() - SPAN_DAYS_DEFAULT + 1))
    if first > last:
        raise InvalidError({"from": f"{first} is after the last day, {last}"})
    if (last - first).days >= SPAN_DAYS_MAX:
        raise InvalidError({"from": f"the span is longer than {SPAN_DAYS_MAX} days"})
    return first, last


Span = Annotated[tuple[date, date], Depends(_span)]


@router.get("", summary="See my usage")
async def read_usage(
    caller: CurrentCaller, database: Transactions, counter: Counter, span: Span
) -> Usage:
    """Return what the tenant did, by UTC day and in all, up to this moment.

    `calls` are the authenticated calls that were answered, whatever the answer was. Reading
    usage is not counted; a call refused because of its token or the rate limit is not either.
    A span is 366 days at most.
    """
    await counter.flush()
    async with database.reading(caller.tenant_id) as connection:
        return await service.read_usage(connection, caller, *span)
