"""Counting exactly, whichever process is asked and however it ends.

A call is counted in the database before its answer leaves, so who has an answer can see it counted
everywhere. One that writes is counted in its own transaction. The others that are answered at once
share a write: each adds to what waits, the first that may write takes all of it.
"""

import asyncio
from datetime import date
from typing import Annotated

import structlog
from fastapi import Depends
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lattice.database import EVERY_TENANT, Database, uninterrupted
from lattice.security.caller import Caller
from lattice.usage.schemas import Counts
from lattice.usage.service import add_usage, today

FLUSH_INTERVAL_S = 1.0
ONE_CALL = Counts(calls=1)


class UsageCounter:
    """What this process has done and not written yet, of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pending: dict[tuple[str, date], Counts] = {}
        self._counted = asyncio.Event()
        self._flushing = asyncio.Lock()

    def count(self, tenant_id: str, counts: Counts) -> None:
        """Add to what a tenant does today; a flush writes it."""
        self._add((tenant_id, today()), counts)
        self._counted.set()

    async def count_within(self, connection: AsyncConnection, caller: Caller) -> None:
        """Count a call in the transaction that does what was asked for."""
        await add_usage(connection, caller.tenant_id, today(), ONE_CALL)

    async def flush(self) -> None:
        """Write what was counted before this call, or wait until somebody else has.

        Raises what the database raises; the counts are kept then and written the next time.
        """
        await uninterrupted(self._flush())

    async def keep_flushing(self) -> None:
        """Write what could not be written at its time, until cancelled, and then once more."""
        try:
            while True:
                await self._counted.wait()
                await asyncio.sleep(FLUSH_INTERVAL_S)
                await self.flush_or_say()
        finally:
            await self.flush_or_say()

    async def flush_or_say(self) -> None:
        """Flush; what the database refuses is kept and told in the log."""
        try:
            await self.flush()
        except SQLAlchemyError:
            log = structlog.get_logger("lattice")
            log.exception("usage was not written", tenants_and_days=len(self._pending))

    async def _flush(self) -> None:
        async with self._flushing:
            self._counted.clear()
            taken, self._pending = self._pending, {}
            if not taken:
                return
            try:
                async with self._database.writing(EVERY_TENANT) as connection:
                    # In one order everywhere: two processes never wait for each other.
                    for (tenant_id, day), counts in sorted(taken.items(), key=_key):
                        await add_usage(connection, tenant_id, day, counts)
            except BaseException:
                for key, counts in taken.items():
                    self._add(key, counts)
                self._counted.set()
                raise

    def _add(self, key: tuple[str, date], counts: Counts) -> None:
        self._pending[key] = self._pending.get(key, Counts()) + counts


def _key(entry: tuple[tuple[str, date], Counts]) -> tuple[str, date]:
    return entry[0]


class CallsCounted:
    """Counts every call with a caller before its answer begins: who has it can see it counted."""

    def __init__(self, app: ASGIApp, counter: UsageCounter) -> None:
        self._app = app
        self._counter = counter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Made here, so that what a route notes in it is seen here.
        state = scope.setdefault("state", {})

        async def counted(message: Message) -> None:
            caller: Caller | None = state.get("caller")
            if message["type"] == "http.response.start" and caller and state.get("counts", True):
                self._counter.count(caller.tenant_id, ONE_CALL)
                await self._counter.flush_or_say()
            await send(message)

        await self._app(scope, receive, counted)


async def _counter(request: HTTPConnection) -> UsageCounter:
    counter: UsageCounter = request.app.state.usage_counter
    return counter


Counter = Annotated[UsageCounter, Depends(_counter)]
