"""What operators and their machines ask; no account is needed and no limit applies."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse
from starlette.requests import Request
from starlette.responses import Response

from lattice.database import Transactions
from lattice.errors import UnavailableError
from lattice.health import service
from lattice.health.metrics import metrics_of
from lattice.health.schemas import DatabaseHealth, Health, Live, Ready, RedisHealth, Version
from lattice.problems import refusals
from lattice.redis import redis_of
from lattice.settings import settings_of

router = APIRouter(tags=["operations"])

WELL: dict[bool, Literal["healthy", "degraded"]] = {True: "healthy", False: "degraded"}


@router.get(
    "/health",
    summary="Is the service well?",
    response_model=Health,
    responses={503: {"model": Health, "description": "Something that it needs is not there."}},
)
async def see_health(request: Request, database: Transactions) -> Response:
    """Return the state of the service, its version and the state of what it uses.

    `redis` may be "not configured". While it is away the service is degraded: every process
    counts rate limits for itself. Before it ends it is draining: it serves, and is not to be asked
    for more.
    """
    checks = await service.check_all(database, redis_of(request))
    well = checks["database"] == service.CONNECTED
    draining = request.app.state.draining
    whole = checks["redis"] in {service.CONNECTED, service.NOT_CONFIGURED}
    health = Health(
        status="unhealthy" if not well else "draining" if draining else WELL[whole],
        version=settings_of(request).version,
        checks=checks,
    )
    return JSONResponse(health.model_dump(), 200 if well and not draining else 503)


@router.get("/health/live", summary="Does the process answer?")
async def see_live() -> Live:
    """Answer, whatever else is wrong: restarting helps only if this does not answer."""
    return Live()


@router.get("/health/ready", summary="Can it take requests?", responses=refusals(UnavailableError))
async def see_ready(request: Request, database: Transactions) -> Ready:
    """Answer 200 while requests can be served, 503 while not, and before it ends."""
    if request.app.state.draining:
        raise UnavailableError("The service is about to end.")
    await service.check_database(database)
    return Ready()


@router.get(
    "/health/database", summary="Does the database answer?", responses=refusals(UnavailableError)
)
async def see_database(database: Transactions) -> DatabaseHealth:
    """Ask the database; 503 if it cannot be used.

    `database` is "disconnected", "read-only" or "out of date" then.
    """
    await service.check_database(database)
    return DatabaseHealth()


@router.get("/health/redis", summary="Does Redis answer?", responses=refusals(UnavailableError))
async def see_redis(request: Request) -> RedisHealth:
    """Ask Redis; 503 with `message: "Redis not configured"` where there is none."""
    await service.check_redis(redis_of(request))
    return RedisHealth()


@router.get("/version", summary="Which version is it?")
async def see_version(request: Request) -> Version:
    """Return the version that is served."""
    return Version(version=settings_of(request).version)


@router.get(
    "/metrics",
    summary="What has it done?",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}, "application/openmetrics-text": {}}}},
)
async def see_metrics(request: Request, accept: Annotated[str, Header()] = "") -> Response:
    """Return the measurements in Prometheus' text format, or in OpenMetrics if asked for."""
    exposition, media_type = metrics_of(request).exposition(accept)
    # As a header: the framework would add a charset of its own to the media type.
    return Response(exposition, headers={"Content-Type": media_type})
