"""The application: features, protections and background work, composed in one place."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI

from lattice.accounts.expiry import keep_removing_expired
from lattice.accounts.mailing import Sender as MailSender
from lattice.accounts.routes import router as accounts
from lattice.accounts.throttle import Throttle
from lattice.database import Database
from lattice.documentation import add_documentation
from lattice.errors import DatabaseUnusableError
from lattice.health.metrics import Measuring, Metrics
from lattice.health.routes import router as health
from lattice.lattices.routes import router as lattices
from lattice.overload import ConnectionLimit
from lattice.pathfinding.routes import router as pathfinding
from lattice.pathfinding.searches import Searches
from lattice.problems import UnexpectedErrors, answer_with_problems
from lattice.ratelimit import RateLimiting, RateLimits
from lattice.redis import RedisServer
from lattice.request_log import RequestLog
from lattice.schema import HEAD
from lattice.security.body import BodyLimit
from lattice.security.cors import CrossOrigin
from lattice.security.headers import SecurityHeaders
from lattice.security.passwords import Passwords
from lattice.security.revocations import Revocations
from lattice.security.tokens import Tokens
from lattice.settings import Settings
from lattice.subscriptions.routes import router as subscriptions
from lattice.tenants.routes import router as tenants
from lattice.usage.counter import CallsCounted, UsageCounter
from lattice.usage.routes import router as usage
from lattice.webhooks.announcements import Announcements
from lattice.webhooks.routes import router as webhooks
from lattice.webhooks.sender import Sender
from lattice.windows import Windows

# A feature is one row here.
FEATURES: tuple[APIRouter, ...] = (
    accounts,
    tenants,
    subscriptions,
    lattices,
    pathfinding,
    webhooks,
    usage,
    health,
)


def create_app(settings: Settings) -> FastAPI:
    """Compose the service; its tables and connections exist while it is running."""
    app = FastAPI(
        title="Lattice API",
        version=settings.version,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_running,
    )
    app.state.settings = settings
    app.state.database = Database(settings.database_url, HEAD)
    app.state.redis = RedisServer(settings.redis_url) if settings.redis_url else None
    app.state.tokens = Tokens(settings)
    app.state.revocations = Revocations(settings, app.state.redis)
    app.state.passwords = Passwords(settings)
    app.state.windows = Windows(app.state.redis)
    app.state.throttle = Throttle(settings, app.state.windows)
    app.state.registered = asyncio.Event()
    app.state.searches = Searches(settings)
    app.state.announcements = Announcements()
    app.state.usage_counter = UsageCounter(app.state.database)
    app.state.metrics = Metrics(settings.version)
    # The server's own business, which the application says and minds.
    app.state.connections = set()
    app.state.draining = False
    for router in FEATURES:
        # Not `include_router`: it makes every route a second time, during the first request.
        app.router.routes.extend(router.routes)
    answer_with_problems(app)
    add_documentation(app)
    _protect(app, settings)
    return app


def _protect(app: FastAPI, settings: Settings) -> None:
    """Put the protections around the routes, the innermost first."""
    state = app.state
    app.add_middleware(
        BodyLimit, limit_bytes=settings.body_limit_bytes, timeout_s=settings.client_timeout_s
    )
    rate_limits = RateLimits(settings, state.tokens, state.revocations, state.windows)
    app.add_middleware(RateLimiting, rate_limits=rate_limits)
    app.add_middleware(ConnectionLimit, connections_max=settings.connections_max)
    app.add_middleware(UnexpectedErrors)
    app.add_middleware(CallsCounted, counter=app.state.usage_counter)
    app.add_middleware(CrossOrigin, allowed_origins=settings.allowed_origins)
    app.add_middleware(Measuring, metrics=app.state.metrics)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog, access=settings.access_log)


def _work(app: FastAPI) -> list[Coroutine[Any, Any, None]]:
    """Name what goes on in the background while the service runs."""
    settings: Settings = app.state.settings
    database: Database = app.state.database
    sender = Sender(database, app.state.announcements.wakening, settings)
    work = [
        keep_removing_expired(database, settings.expiry_interval_s),
        app.state.usage_counter.keep_flushing(),
        sender.run(),
    ]
    if settings.smtp_url is not None:
        work.append(MailSender(database, app.state.registered, app.state.tokens, settings).run())
    return work


async def _prepare(database: Database) -> None:
    try:
        await database.prepare()
    except DatabaseUnusableError as error:
        # A server that is not there yet, or not migrated yet, is waited for: not being ready.
        structlog.get_logger("lattice").warning("not ready", reason=error.detail)


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    database: Database = app.state.database
    passwords: Passwords = app.state.passwords
    try:
        await _prepare(database)
        work = [asyncio.create_task(coroutine) for coroutine in _work(app)]
        try:
            yield
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
    finally:
        passwords.close()
        app.state.searches.close()
        await database.close()
        if app.state.redis:
            await app.state.redis.close()
