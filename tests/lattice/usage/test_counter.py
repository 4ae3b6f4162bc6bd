"""Counting in memory: nothing twice, nothing lost."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import pytest
from lattice.app import create_app
from lattice.database import EVERY_TENANT, Database, now
from lattice.settings import Settings
from lattice.tenants.tables import tenants
from lattice.usage import counter as counting
from lattice.usage.counter import UsageCounter
from lattice.usage.schemas import Counts
from lattice.usage.tables import usage_days
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError

from tests.lattice.processes import ENDED_WITHIN_S

TENANT = str(uuid4())
CALL = Counts(calls=1)


async def prepared(settings: Settings) -> Database:
    """A database with one tenant; the application knows all tables."""
    database: Database = create_app(settings).state.database
    await database.prepare()
    async with database.writing(EVERY_TENANT) as connection:
        values = {"id": TENANT, "name": "t", "plan": "free", "created_at": now()}
        await connection.execute(insert(tenants).values(values))
    return database


async def calls(database: Database) -> int:
    async with database.reading(EVERY_TENANT) as connection:
        return await connection.scalar(select(usage_days.c.calls)) or 0


def test_what_cannot_be_written_is_written_later(
    settings_with: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        database = await prepared(settings_with())
        counter = UsageCounter(database)
        counter.count(TENANT, CALL)

        async def broken(*_: object) -> None:
            counter.count(TENANT, CALL)
            raise OperationalError("INSERT", {}, Exception("disk full"))

        with monkeypatch.context() as patch:
            patch.setattr(counting, "add_usage", broken)
            with pytest.raises(OperationalError):
                await counter.flush()
        assert await calls(database) == 0
        await counter.flush()
        await counter.flush()
        assert await calls(database) == 2
        await database.close()

    asyncio.run(scenario())


def test_a_flush_that_is_broken_off_is_not_done_twice(
    settings_with: Callable[..., Settings],
) -> None:
    async def scenario() -> None:
        database = await prepared(settings_with())
        counter = UsageCounter(database)
        for moment in range(60):
            counter.count(TENANT, CALL)
            flush = asyncio.create_task(counter.flush())
            # At every moment of a flush, which takes two or three milliseconds: in its commit too.
            await asyncio.sleep(moment * 0.00005)
            flush.cancel()
            await asyncio.gather(flush, return_exceptions=True)
        await counter.flush()
        assert await calls(database) == 60
        await database.close()

    asyncio.run(scenario())


def test_counts_are_written_without_being_asked_for(
    settings_with: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "FLUSH_INTERVAL_S", 0.01)

    async def scenario() -> None:
        database = await prepared(settings_with())
        counter = UsageCounter(database)
        work = asyncio.create_task(counter.keep_flushing())
        for count in (1, 2):
            counter.count(TENANT, CALL)
            async with asyncio.timeout(ENDED_WITHIN_S):
                # The database gives no sign.
                while await calls(database) < count:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await database.close()

    asyncio.run(scenario())
