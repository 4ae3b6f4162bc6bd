"""Searching the caller's lattices."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.requests import ClientDisconnect

from lattice.errors import NotFoundError, UnavailableError
from lattice.lattices.routes import LatticeId
from lattice.pathfinding.schemas import SearchAnswer, SearchQuestion
from lattice.pathfinding.service import Pathfinder
from lattice.problems import refusals
from lattice.security.caller import CurrentCaller

CLIENT_CLOSED_REQUEST = 499

router = APIRouter(prefix="/api/lattices", tags=["pathfinding"])


async def _pathfinder(request: Request) -> Pathfinder:
    state = request.app.state
    return Pathfinder(
        state.database, state.searches, state.usage_counter, state.announcements, request
    )


@router.post(
    "/{lattice_id}/pathfind",
    summary="Find a shortest path",
    response_model=SearchAnswer,
    responses=refusals(NotFoundError, UnavailableError),
)
async def find_path(
    lattice_id: LatticeId,
    question: SearchQuestion,
    caller: CurrentCaller,
    pathfinder: Annotated[Pathfinder, Depends(_pathfinder)],
) -> Response:
    """Find a shortest path between two free cells; each step costs one.

    No way through is an answer too: `reachable` is false. The same question has always the same
    path.
    """
    try:
        answer = await pathfinder.answer(caller, lattice_id, question)
    except ClientDisconnect:
        # Nobody reads it: it is for the counts, in the word of nginx.
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    return Response(answer, media_type="application/json")
