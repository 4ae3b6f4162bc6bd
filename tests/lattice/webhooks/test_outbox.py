"""One delivery, one worker at a time, however workers end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from lattice.database import EVERY_TENANT, Database
from lattice.webhooks.outbox import Attempt, Due, Outbox
from lattice.webhooks.tables import deliveries
from sqlalchemy import update

from tests.lattice.in_process import Lattice
from tests.lattice.processes import ENDED_WITHIN_S
from tests.lattice.webhooks.receiver import HOLDING, receiving
from tests.lattice.webhooks.steps import deliveries_when, item_when, register_webhook, send_test

ARRIVED = Attempt(204, None)
LOST = Attempt(500, "no")
NOWHERE = "http://127.0.0.1:1/hook"


async def nothing(_: object) -> None:
    """Run nothing."""


@pytest.fixture
def _unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is taken is taken by the test."""
    monkeypatch.setattr("lattice.webhooks.sender.Sender.run", nothing)


@asynccontextmanager
async def workers(lattice: Lattice, count: int) -> AsyncIterator[list[Outbox]]:
    """Outboxes with connections of their own, as those of several processes."""
    settings = lattice.app.state.settings
    databases = [Database(settings.database_url) for _ in range(count)]
    try:
        yield [Outbox(database, settings) for database in databases]
    finally:
        for database in databases:
            await database.close()


async def take_one(outbox: Outbox) -> Due:
    (due,), _ = await outbox.take(10)
    return due


async def let_leases_end(lattice: Lattice) -> None:
    async with lattice.database.writing(EVERY_TENANT) as connection:
        await connection.execute(update(deliveries).values(leased_until=deliveries.c.created_at))


@pytest.mark.usefixtures("_unsent")
def test_workers_at_once_take_each_delivery_once(lattice: Lattice) -> None:
    token = lattice.register().access_token

    async def scenario() -> None:
        path = (await register_webhook(lattice, token, NOWHERE))["path"]
        queued = [(await send_test(lattice, token, path))["delivery_id"] for _ in range(24)]
        async with workers(lattice, 4) as outboxes:
            takings = await asyncio.gather(*(outbox.take(3) for outbox in outboxes * 4))
        taken = [delivery.id for due, _ in takings for delivery in due]
        assert sorted(taken) == sorted(queued)

    lattice.do(scenario())


@pytest.mark.usefixtures("_unsent")
def test_what_a_killed_worker_had_is_free_when_its_lease_has_ended(lattice: Lattice) -> None:
    token = lattice.register().access_token

    async def scenario() -> None:
        path = (await register_webhook(lattice, token, NOWHERE))["path"]
        await send_test(lattice, token, path)
        async with workers(lattice, 2) as (killed, other):
            before = await take_one(killed)
            assert (await other.take(10))[0] == []
            await let_leases_end(lattice)
            assert (await take_one(other)).id == before.id

    lattice.do(scenario())


@pytest.mark.usefixtures("_unsent")
@pytest.mark.parametrize("late", [ARRIVED, LOST])
def test_who_comes_too_late_says_nothing(lattice: Lattice, late: Attempt) -> None:
    token = lattice.register().access_token

    async def scenario() -> None:
        path = (await register_webhook(lattice, token, NOWHERE))["path"]
        await send_test(lattice, token, path)
        async with workers(lattice, 2) as (slow, other):
            before = await take_one(slow)
            await let_leases_end(lattice)
            present = await take_one(other)
            queued = await deliveries_when(lattice, token, path, "pending")
            await slow.record(before, late)
            await slow.give_back(before)
            assert await deliveries_when(lattice, token, path, "pending") == queued
            assert (await slow.take(10))[0] == []
            await other.record(present, ARRIVED)
            await deliveries_when(lattice, token, path, "delivered")

    lattice.do(scenario())


def test_two_services_never_send_one_delivery_at_the_same_time(lattice: Lattice) -> None:
    token = lattice.register().access_token

    async def scenario() -> None:
        async with receiving(HOLDING) as receiver, lattice.beside() as beside:
            path = (await register_webhook(lattice, token, receiver.url))["path"]
            for send in (lattice.send, beside) * 4:
                assert (await send("POST", f"{path}/test", token=token)).status_code == 202
            await receiver.wait_for(8)
            # Both have looked at all of them since.
            for send in (lattice.send, beside):
                await send("POST", f"{path}/test", token=token)
            await receiver.wait_for(10)
            receiver.released.set()
            await deliveries_when(lattice, token, path, "delivered")
            assert receiver.doubled == []
            assert len(receiver.requests) == 10

    lattice.do(scenario())


def test_a_worker_that_was_held_up_sends_nothing(
    lattice: Lattice, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = lattice.register().access_token
    given_back = asyncio.Event()
    give_back = Outbox.give_back

    async def note(outbox: Outbox, delivery: Due) -> None:
        await give_back(outbox, delivery)
        given_back.set()

    async def scenario() -> None:
        async with receiving() as receiver:
            path = (await register_webhook(lattice, token, receiver.url))["path"]
            with monkeypatch.context() as patched:
                patched.setattr("lattice.outbox.BEGUN_WITHIN_S", -1)
                patched.setattr(Outbox, "give_back", note)
                await send_test(lattice, token, path)
                async with asyncio.timeout(ENDED_WITHIN_S):
                    await given_back.wait()
                assert receiver.requests == []
            await deliveries_when(lattice, token, path, "delivered")
            assert len(receiver.requests) == 1

    lattice.do(scenario())


def test_a_service_that_stops_gives_back_what_is_under_way(
    lattice_with: Callable[..., Lattice], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("lattice.webhooks.sender.Sender.run", nothing)
        lattice = lattice_with()
    token = lattice.register().access_token

    async def scenario() -> None:
        async with receiving(HOLDING) as receiver, workers(lattice, 1) as (other,):
            path = (await register_webhook(lattice, token, receiver.url))["path"]
            async with lattice.beside() as beside:
                await beside("POST", f"{path}/test", token=token)
                await receiver.wait_for(1)
                assert (await other.take(10))[0] == []
            await take_one(other)

    lattice.do(scenario())


def test_what_another_process_has_left_is_found_by_looking(
    lattice_with: Callable[..., Lattice], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lattice.outbox.LOOK_EVERY_S", 0.05)
    lattice = lattice_with()
    token = lattice.register().access_token

    async def scenario() -> None:
        async with receiving() as receiver:
            path = (await register_webhook(lattice, token, receiver.url))["path"]
            # As one that is killed after its commit: nobody is woken.
            monkeypatch.setattr("lattice.webhooks.announcements.after_commit", lambda *_: None)
            queued = await send_test(lattice, token, path)
            where = f"{path}/deliveries/{queued['delivery_id']}"
            await item_when(lattice, token, where, status="delivered")

    lattice.do(scenario())
