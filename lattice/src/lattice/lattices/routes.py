"""The caller's lattices."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response, status

from lattice.asked import Id
from lattice.errors import ForbiddenError, NotFoundError
from lattice.idempotency.once import Made, OnlyOnce
from lattice.lattices import service
from lattice.lattices.schemas import (
    CreatedLattices,
    Lattice,
    LatticeChange,
    LatticePage,
    NewLattice,
    NewLattices,
)
from lattice.problems import refusals
from lattice.security.caller import Reading
from lattice.security.roles import MemberWriting
from lattice.webhooks.announcements import Announcing

router = APIRouter(prefix="/api/lattices", tags=["lattices"])

LatticeId = Annotated[Id, Path(examples=["7d444840-9dc0-41d1-b245-5ffdce74fad2"])]


@router.post(
    "",
    summary="Create a lattice",
    status_code=status.HTTP_201_CREATED,
    response_model=Lattice,
    responses=refusals(ForbiddenError),
)
async def create_lattice(
    new: NewLattice,
    transaction: MemberWriting,
    announcements: Announcing,
    once: OnlyOnce,
) -> Response:
    """Create a lattice.

    One that is larger than the plan allows is invalid (422); one more than the plan allows is
    forbidden (403) with the members `plan`, `resource` and `limit`.
    """

    async def make() -> Made:
        lattice = await service.create_lattice(*transaction, new, announcements)
        return Made(lattice, f"{router.prefix}/{lattice.id}")

    return await once.answer(transaction, make, status=status.HTTP_201_CREATED)


@router.post(
    "/bulk",
    summary="Create many lattices",
    status_code=status.HTTP_201_CREATED,
    response_model=CreatedLattices,
    responses=refusals(ForbiddenError),
)
async def create_lattices(
    news: NewLattices,
    transaction: MemberWriting,
    announcements: Announcing,
    once: OnlyOnce,
) -> Response:
    """Create up to 100 lattices: all of them or, if one is refused, none."""

    async def make() -> Made:
        made = await service.create_lattices(*transaction, news.lattices, announcements)
        # Not validated once more, as each of them was not.
        return Made(CreatedLattices.model_construct(items=made, created=len(made)))

    return await once.answer(transaction, make, status=status.HTTP_201_CREATED)


@router.get("", summary="List my lattices")
async def list_lattices(
    transaction: Reading,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
) -> LatticePage:
    """List the tenant's lattices, the latest first, with the number of obstacles of each."""
    return await service.list_lattices(*transaction, limit=limit, offset=offset)


@router.get("/{lattice_id}", summary="See a lattice", responses=refusals(NotFoundError))
async def get_lattice(lattice_id: LatticeId, transaction: Reading) -> Lattice:
    """Return one lattice of the tenant; another's is not found."""
    return await service.get_lattice(*transaction, lattice_id)


@router.patch(
    "/{lattice_id}", summary="Change a lattice", responses=refusals(ForbiddenError, NotFoundError)
)
async def change_lattice(
    lattice_id: LatticeId,
    change: LatticeChange,
    transaction: MemberWriting,
    announcements: Announcing,
) -> Lattice:
    """Change the name, the description or all obstacles; what is not named stays."""
    return await service.change_lattice(*transaction, lattice_id, change, announcements)


@router.delete(
    "/{lattice_id}",
    summary="Remove a lattice",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=refusals(ForbiddenError, NotFoundError),
)
async def remove_lattice(
    lattice_id: LatticeId, transaction: MemberWriting, announcements: Announcing
) -> None:
    """Remove a lattice of the tenant."""
    await service.remove_lattice(*transaction, lattice_id, announcements)
