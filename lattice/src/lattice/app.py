"""The application: features, protections and background work, composed in one place."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI

from lattice.accounts.expiry import keep_removing_expired
from lattice.accounts.routes import router as accounts
from lattice.database import Database
from lattice.problems import UnexpectedErrors, answer_with_problems
from lattice.security.headers import SecurityHeaders
from lattice.security.passwords import Passwords
from lattice.security.tokens import Tokens
from lattice.settings import Settings
from lattice.tenants.routes import router as tenants

# A feature is one row here.
FEATURES: tuple[APIRouter, ...] = (accounts, tenants)


def create_app(settings: Settings) -> FastAPI:
    """Compose the service; its tables and connections exist while it is running."""
    app = FastAPI(
        title="Lattice API",
        version=settings.version,
        description=__doc__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_running,
    )
    app.state.settings = settings
    app.state.database = Database(settings.database_url)
    app.state.tokens = Tokens(settings)
    app.state.passwords = Passwords(settings)
    answer_with_problems(app)
    for router in FEATURES:
        app.include_router(router)
    # The last one added is the outermost.
    app.add_middleware(UnexpectedErrors)
    app.add_middleware(SecurityHeaders)
    return app


def _work(app: FastAPI) -> tuple[Coroutine[Any, Any, None], ...]:
    """Name what goes on in the background while the service runs."""
    settings: Settings = app.state.settings
    return (keep_removing_expired(app.state.database, settings.expiry_interval_s),)


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    database: Database = app.state.database
    passwords: Passwords = app.state.passwords
    try:
        await database.create_tables()
        work = [asyncio.create_task(coroutine) for coroutine in _work(app)]
        try:
            yield
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
    finally:
        passwords.close()
        await database.close()
