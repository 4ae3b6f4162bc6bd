"""Adding to usage and reading it."""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from typing import TypeVar

from sqlalchemy import Date, Dialect, Insert, Integer, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from lattice.database import insert_into, now
from lattice.security.caller import Caller
from lattice.tenants.tables import tenants
from lattice.usage.schemas import Counts, Usage, UsageDay
from lattice.usage.tables import usage_days

Value = TypeVar("Value")

COUNTED = tuple(Counts.model_fields)


def today() -> date:
    """Return the present day in UTC."""
    return now().date()


async def add_usage(connection: AsyncConnection, tenant_id: str, day: date, counts: Counts) -> None:
    """Add to what a tenant did on a day, in one statement; nothing if the tenant is gone."""
    values = {"of_tenant": tenant_id, "on_day": day, **_more(counts.model_dump())}
    await connection.execute(_addition(connection.dialect), values)


@cache
def _addition(dialect: Dialect) -> Insert:
    """Return what is executed at every call, whose making would take as long as its execution."""
    values = [bindparam(name, type_=Integer) for name in _more(dict.fromkeys(COUNTED))]
    # Selected from the tenants: a removal that overtakes its own count is no error.
    source = select(tenants.c.id, bindparam("on_day", type_=Date), *values).where(
        tenants.c.id == bindparam("of_tenant")
    )
    new = insert_into(dialect, usage_days).from_select(["tenant_id", "day", *COUNTED], source)
    raised = {name: usage_days.c[name] + new.excluded[name] for name in COUNTED}
    return new.on_conflict_do_update(index_elements=["tenant_id", "day"], set_=raised)


def _more(counts: dict[str, Value]) -> dict[str, Value]:
    """Name counts otherwise than the columns, whose names an insertion keeps for itself."""
    return {f"more_{name}": value for name, value in counts.items()}


async def read_usage(connection: AsyncConnection, caller: Caller, first: date, last: date) -> Usage:
    """Return what the caller's tenant did from `first` to `last`, both days included."""
    query = select(usage_days).where(
        usage_days.c.tenant_id == caller.tenant_id,
        usage_days.c.day.between(first, last),
    )
    rows = (await connection.execute(query)).mappings().all()
    busy = {row["day"]: Counts(**{name: row[name] for name in COUNTED}) for row in rows}
    return Usage(
        first=first,
        last=last,
        totals=_total(busy.values()),
        days=[
            UsageDay(date=day, **busy.get(day, Counts()).model_dump())
            for day in (first + timedelta(days=n) for n in range((last - first).days + 1))
        ],
    )


def _total(counts: Iterable[Counts]) -> Counts:
    return sum(counts, start=Counts())
