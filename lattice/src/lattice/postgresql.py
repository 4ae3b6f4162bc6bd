"""PostgreSQL connections, every statement of which has an end, and what their errors mean."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from lattice.errors import DatabaseUnusableError, database_read_only, database_silent

if TYPE_CHECKING:
    import asyncpg

# Of each process, for each of the two kinds.
CONNECTIONS = 8
CONNECTED_WITHIN_S = 2.0
ANSWERED_WITHIN_S = 5.0
# What asks about health wants to know within a second.
PING_WITHIN_S = 0.4
# As in SQLite: a reader sees one state of the data, and what it writes is refused aloud.
READER = {"default_transaction_isolation": "repeatable read", "default_transaction_read_only": "on"}
DISK_FULL = "53100"
READ_ONLY = "25006"
# The connection is gone; the server starts, stops or has no connection left; a deadlock or a lock
# that somebody keeps: what was asked for can be asked for again.
OUTAGES = ("08", "57P", "53300", "40001", "40P01", "55P03")


class PostgresServer:
    """The engines of one PostgreSQL database; many processes may use it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.name = _without_credentials(url)
        self.readers = _engine(url, READER, ANSWERED_WITHIN_S)
        self.writers = _engine(url, {}, ANSWERED_WITHIN_S)
        self._prober: asyncpg.Connection[Any] | None = None

    def make_migrator(self) -> AsyncEngine:
        """Return an engine to change the schema with, which may take its time."""
        return _engine(self._url, {}, answered_within_s=None)

    async def ping(self) -> None:
        """Return if the server answers and takes writes, raise `DatabaseUnusableError` if not."""
        # Over a connection of its own: whether all others are busy is another question.
        try:
            if self._prober is None or self._prober.is_closed():
                self._prober = await _connect(self._url, {}, PING_WITHIN_S)
            query = "SELECT current_setting('transaction_read_only')"
            read_only = await self._prober.fetchval(query, timeout=PING_WITHIN_S)
        except Exception as error:
            self._forget_prober()
            raise database_silent() from error
        if read_only == "on":
            raise database_read_only()

    def _forget_prober(self) -> None:
        if self._prober is not None:
            self._prober.terminate()
            self._prober = None

    async def close(self) -> None:
        """Close every connection."""
        self._forget_prober()
        await self.readers.dispose()
        await self.writers.dispose()


def _engine(
    url: str,
    server_settings: dict[str, str],
    answered_within_s: float | None,
) -> AsyncEngine:
    async def connect(*_: object, **__: object) -> "asyncpg.Connection[Any]":
        return await _connect(url, server_settings, CONNECTED_WITHIN_S, answered_within_s)

    engine = create_async_engine(
        # The driver reads the URL itself: it knows `sslmode` and lists of hosts.
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=ANSWERED_WITHIN_S,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


async def _connect(
    url: str,
    server_settings: dict[str, str],
    connected_within_s: float,
    answered_within_s: float | None = None,
) -> "asyncpg.Connection[Any]":
    import asyncpg

    return await asyncpg.connect(
        url,
        timeout=connected_within_s,
        command_timeout=answered_within_s,
        server_settings={"application_name": "lattice", **server_settings},
    )


def _refuse_closed(connection: Any, *_: object) -> None:
    """Let the pool replace a connection that the server has closed meanwhile."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


async def refuse_unbound(connection: AsyncConnection) -> None:
    """Raise `DatabaseUnusableError` if row-level security does not bind the role."""
    query = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    if await connection.scalar(text(query)):
        words = "The role of the service bypasses row-level security: use one that does not."
        raise DatabaseUnusableError("unsafe", words)


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def is_full(error: BaseException | None) -> bool:
    """Whether a statement failed because there was no room to write to."""
    return getattr(error, "sqlstate", None) == DISK_FULL


def unusable(error: DBAPIError) -> DatabaseUnusableError | None:
    """Return the outage that an error tells of, or None: then something else is wrong."""
    sqlstate = getattr(error.orig, "sqlstate", None) or ""
    if sqlstate == READ_ONLY:
        return database_read_only()
    if error.connection_invalidated or sqlstate.startswith(OUTAGES):
        return database_silent()
    return None
