"""The application: features, protections and background work, composed in one place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from lattice.database import Database
from lattice.problems import UnexpectedErrors, answer_with_problems
from lattice.security.headers import SecurityHeaders
from lattice.security.tokens import Tokens
from lattice.settings import Settings

# A feature is one row here.
FEATURES: tuple[APIRouter, ...] = ()


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
    answer_with_problems(app)
    for router in FEATURES:
        app.include_router(router)
    # The last one added is the outermost.
    app.add_middleware(UnexpectedErrors)
    app.add_middleware(SecurityHeaders)
    return app


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    database: Database = app.state.database
    try:
        await database.create_tables()
        yield
    finally:
        await database.close()
