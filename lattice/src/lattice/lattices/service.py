"""What can be done with lattices; each function sees only those of its caller."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, Row, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lattice.database import now
from lattice.errors import InvalidError, NotFoundError
from lattice.lattices.grid import check_obstacles, count_cells
from lattice.lattices.records import (
    SUMMARY,
    StoredGrid,
    announced,
    grid_of,
    lattice_of,
    make_lattice,
    obstacle_columns,
    row_of,
    summary_of,
)
from lattice.lattices.schemas import Lattice, LatticeChange, LatticePage, NewLattice
from lattice.lattices.tables import lattices
from lattice.security.caller import Caller
from lattice.tenants.plans import Plan, hold_plan, limit_reached
from lattice.usage.schemas import Counts
from lattice.usage.service import add_usage, today
from lattice.webhooks.announcements import Announcements
from lattice.webhooks.schemas import Event

MINE = lattices.c.tenant_id == bindparam("tenant_id")
# Made once: making a statement takes longer than executing it.
LATTICE = select(lattices).where(lattices.c.id == bindparam("lattice_id"), MINE)
LATTICE_HELD = LATTICE.with_for_update(key_share=True)
COUNT = select(func.count()).select_from(lattices).where(MINE)
PAGE = (
    select(*SUMMARY)
    .where(MINE)
    .order_by(lattices.c.number.desc())
    .limit(bindparam("limit", type_=Integer))
    .offset(bindparam("offset", type_=Integer))
)


async def create_lattice(
    connection: AsyncConnection, caller: Caller, new: NewLattice, announcements: Announcements
) -> Lattice:
    """Create a lattice.

    Raises `InvalidError` if it alone is more than the plan allows and `ForbiddenError` if the
    plan's number is reached.
    """
    plan = await hold_plan(connection, caller)
    if errors := find_excess(new, plan):
        raise InvalidError(errors)
    (lattice,) = await _insert(connection, caller, plan, [new], announcements)
    return lattice


async def create_lattices(
    connection: AsyncConnection,
    caller: Caller,
    news: Sequence[NewLattice],
    announcements: Announcements,
) -> list[Lattice]:
    """Create all of them or none, in their order; raises what `create_lattice` raises."""
    plan = await hold_plan(connection, caller)
    errors = {
        f"lattices.{position}.{field}": words
        for position, new in enumerate(news)
        for field, words in find_excess(new, plan).items()
    }
    if errors:
        raise InvalidError(errors)
    return await _insert(connection, caller, plan, news, announcements)


def find_excess(new: NewLattice, plan: Plan) -> dict[str, str]:
    """Return which fields ask for more than the plan allows one lattice, and in which words."""
    if len(new.dimensions) > plan.limits.dimensions:
        words = f"{len(new.dimensions)} dimensions, the plan allows {plan.limits.dimensions}"
        return {"dimensions": words}
    if (cells := count_cells(new.dimensions)) > plan.limits.cells:
        return {"dimensions": f"{cells} cells, the plan allows {plan.limits.cells}"}
    return {}


async def list_lattices(
    connection: AsyncConnection, caller: Caller, *, limit: int, offset: int
) -> LatticePage:
    """List the caller's lattices, the latest first, without their obstacles."""
    asked = {"tenant_id": caller.tenant_id, "limit": limit, "offset": offset}
    rows = (await connection.execute(PAGE, asked)).all()
    return LatticePage(
        items=[summary_of(row) for row in rows],
        total=await _count(connection, caller),
        limit=limit,
        offset=offset,
    )


async def get_lattice(connection: AsyncConnection, caller: Caller, lattice_id: str) -> Lattice:
    """Return one lattice of the caller; any other raises `NotFoundError`."""
    return lattice_of(await _find(connection, caller, lattice_id))


async def get_grid(connection: AsyncConnection, caller: Caller, lattice_id: str) -> StoredGrid:
    """Return the grid of one lattice of the caller; any other raises `NotFoundError`."""
    return grid_of(await _find(connection, caller, lattice_id))


async def change_lattice(
    connection: AsyncConnection,
    caller: Caller,
    lattice_id: str,
    change: LatticeChange,
    announcements: Announcements,
) -> Lattice:
    """Change what `change` names; raises `InvalidError` for obstacles that do not fit."""
    lattice = lattice_of(await _find(connection, caller, lattice_id, LATTICE_HELD))
    values = change.model_dump(exclude_unset=True)
    if not values:
        return lattice
    if "obstacles" in values:
        try:
            check_obstacles(change.obstacles, lattice.dimensions)
        except ValueError as error:
            raise InvalidError({"obstacles": str(error)}) from error
        values |= obstacle_columns(change.obstacles)
    changed = await connection.execute(
        update(lattices)
        .where(lattices.c.id == lattice_id, lattices.c.tenant_id == caller.tenant_id)
        .values(values | {"updated_at": now()})
        .returning(lattices)
    )
    lattice = lattice_of(changed.one())
    await announcements.announce(connection, caller, Event.LATTICE_UPDATED, announced(lattice))
    return lattice


async def remove_lattice(
    connection: AsyncConnection, caller: Caller, lattice_id: str, announcements: Announcements
) -> None:
    """Remove a lattice of the caller; any other raises `NotFoundError`."""
    removed = await connection.execute(
        delete(lattices)
        .where(lattices.c.id == lattice_id, lattices.c.tenant_id == caller.tenant_id)
        .returning(*SUMMARY)
    )
    row = removed.one_or_none()
    if row is None:
        raise _unknown()
    data = announced(summary_of(row))
    await announcements.announce(connection, caller, Event.LATTICE_DELETED, data)


async def _insert(
    connection: AsyncConnection,
    caller: Caller,
    plan: Plan,
    news: Sequence[NewLattice],
    announcements: Announcements,
) -> list[Lattice]:
    # While the plan is held: two at once cannot both take the last place.
    if await _count(connection, caller) + len(news) > plan.limits.lattices:
        raise limit_reached(plan, "lattices", plan.limits.lattices)
    made = [make_lattice(new) for new in news]
    await connection.execute(insert(lattices), [row_of(caller, lattice) for lattice in made])
    happenings = [announced(lattice) for lattice in made]
    await announcements.announce(connection, caller, Event.LATTICE_CREATED, *happenings)
    # Last, as all counting: who removes a webhook holds that first.
    await add_usage(connection, caller.tenant_id, today(), Counts(lattices_created=len(made)))
    return made


async def _find(
    connection: AsyncConnection, caller: Caller, lattice_id: str, query: Select[Any] = LATTICE
) -> Row[Any]:
    asked = {"lattice_id": lattice_id, "tenant_id": caller.tenant_id}
    row: Row[Any] | None = (await connection.execute(query, asked)).one_or_none()
    if row is None:
        raise _unknown()
    return row


async def _count(connection: AsyncConnection, caller: Caller) -> int:
    return await connection.scalar(COUNT, {"tenant_id": caller.tenant_id}) or 0


def _unknown() -> NotFoundError:
    return NotFoundError("There is no such lattice.")
