"""Deliveries that arrive, and what is said of those that do not."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from lattice.settings import Settings
from lattice.webhooks.outbox import Attempt, judge

from tests.lattice.in_process import Lattice
from tests.lattice.webhooks.receiver import DRIPPING, HOLDING, SILENT, receiving
from tests.lattice.webhooks.steps import deliveries_when, item_when, register_webhook, send_test

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
QUICKLY = {"webhook_pauses_s": (0.01, 0.02)}


def test_judged_by_what_came_and_how_often() -> None:
    pauses_s = (1, 5)
    done = judge(Attempt(204, None), 2, NOON, pauses_s)
    assert (done["status"], done["delivered_at"], done["due_at"]) == ("delivered", NOON, None)
    failed = judge(Attempt(None, "no"), 3, NOON, pauses_s)
    assert (failed["status"], failed["due_at"], failed["attempts"]) == ("failed", None, 3)


def test_pauses_are_random_up_to_what_is_set() -> None:
    for attempts, pause_s in ((1, 8), (2, 3600)):
        judged = [judge(Attempt(500, "no"), attempts, NOON, (8, 3600)) for _ in range(200)]
        assert all("status" not in values for values in judged)
        shares = sorted((values["due_at"] - NOON).total_seconds() / pause_s for values in judged)
        # None of these fails by chance: 200 times on one side of the middle.
        assert 0 <= shares[0] < 0.5 < shares[-1] <= 1
        assert len(set(shares)) > 100


def test_pauses_last_days_unless_they_are_set() -> None:
    pauses_s = Settings(dev=True).webhook_pauses_s
    assert list(pauses_s) == sorted(pauses_s)
    assert pauses_s[0] <= 10
    assert timedelta(days=3) < timedelta(seconds=sum(pauses_s)) < timedelta(days=5)


def test_a_failure_is_tried_again_with_the_same_id(lattice_with: Callable[..., Lattice]) -> None:
    lattice = lattice_with(**QUICKLY)
    token = lattice.register().access_token

    async def scenario() -> None:
        async with receiving(500, 302, 200) as receiver:
            path = (await register_webhook(lattice, token, receiver.url))["path"]
            await send_test(lattice, token, path)
            (delivery,) = await deliveries_when(lattice, token, path, "delivered")
            assert (delivery["attempts"], delivery["response_status"]) == (3, 200)
            assert delivery["error"] is None
            assert delivery["delivered_at"].endswith("Z")
            assert len(receiver.requests) == 3
            assert len({headers["webhook-id"] for _, headers, _ in receiver.requests}) == 1
            assert len({body for _, _, body in receiver.requests}) == 1

    lattice.do(scenario())


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("status", "response_status", "within_s", "words"),
    [
        (500, 500, 10.0, "the receiver answered 500"),
        (307, 307, 10.0, "the receiver answered 307"),
        (SILENT, None, 0.5, "no answer within 0.5 s"),
        (DRIPPING, None, 0.5, "no answer within 0.5 s"),
    ],
)
def test_a_delivery_fails_in_the_end(
    lattice_with: Callable[..., Lattice],
    status: int,
    response_status: int | None,
    within_s: float,
    words: str,
) -> None:
    lattice = lattice_with(**QUICKLY, webhook_timeout_s=within_s)
    token = lattice.register().access_token

    async def scenario() -> None:
        async with receiving(status) as receiver:
            path = (await register_webhook(lattice, token, receiver.url))["path"]
            await send_test(lattice, token, path)
            (delivery,) = await deliveries_when(lattice, token, path, "failed")
            assert (delivery["attempts"], delivery["error"]) == (3, words)
            assert delivery["response_status"] == response_status
            assert delivery["delivered_at"] is None
            await asyncio.sleep(0.1)
            # An attempt whose time is up may have ended before its request was there whole.
            arrived = len(receiver.requests)
            assert arrived == 3 if response_status else arrived <= 3

    lattice.do(scenario())


def test_an_answer_of_410_disables_the_webhook(lattice_with: Callable[..., Lattice]) -> None:
    lattice = lattice_with(webhook_pauses_s=(1e7,))
    token = lattice.register().access_token

    async def scenario() -> None:
        async with receiving(500, 410, 204) as receiver:
            hook = await register_webhook(lattice, token, receiver.url)
            await send_test(lattice, token, hook["path"])
            await receiver.wait_for(1)
            await send_test(lattice, token, hook["path"])
            gone, waiting = await deliveries_when(lattice, token, hook["path"], "failed")
            assert (gone["response_status"], waiting["response_status"]) == (410, 500)
            words = "the receiver answered 410: the webhook is disabled"
            assert gone["error"] == waiting["error"] == words
            seen = await lattice.send("GET", hook["path"], token=token)
            assert seen.json()["enabled"] is False
            # Nothing is announced to it, but it can be tried out.
            lattices = {"name": "a", "dimensions": [2]}
            made = await lattice.send("POST", "/api/lattices", token=token, json=lattices)
            assert made.status_code == 201
            tried = await send_test(lattice, token, hook["path"])
            where = f"{hook['path']}/deliveries/{tried['delivery_id']}"
            await item_when(lattice, token, where, status="delivered")
            assert len(receiver.requests) == 3

    lattice.do(scenario())


def test_what_leads_elsewhere_by_now_is_not_disabled(lattice_with: Callable[..., Lattice]) -> None:
    lattice = lattice_with(webhook_pauses_s=())
    token = lattice.register().access_token

    async def scenario() -> None:
        async with receiving(HOLDING, answer_held=410) as receiver:
            hook = await register_webhook(lattice, token, receiver.url)
            await send_test(lattice, token, hook["path"])
            await receiver.wait_for(1)
            change = {"url": "http://other.example/"}
            await lattice.send("PATCH", hook["path"], token=token, json=change)
            receiver.released.set()
            await deliveries_when(lattice, token, hook["path"], "failed")
            seen = await lattice.send("GET", hook["path"], token=token)
            assert seen.json()["enabled"] is True

    lattice.do(scenario())


def test_a_receiver_that_is_not_there_is_told(lattice_with: Callable[..., Lattice]) -> None:
    lattice = lattice_with(**QUICKLY)
    token = lattice.register().access_token

    async def scenario() -> None:
        async with receiving() as receiver:
            url = receiver.url
        path = (await register_webhook(lattice, token, url))["path"]
        await send_test(lattice, token, path)
        (delivery,) = await deliveries_when(lattice, token, path, "failed")
        assert delivery["error"].startswith("ConnectError: ")

    lattice.do(scenario())


def test_silent_receivers_do_not_hold_up_the_others(lattice_with: Callable[..., Lattice]) -> None:
    lattice = lattice_with(webhook_timeout_s=60.0)
    token = lattice.register().access_token

    async def scenario() -> None:
        async with receiving(SILENT) as silent, receiving() as receiver:
            path = (await register_webhook(lattice, token, silent.url))["path"]
            for _ in range(5):
                await send_test(lattice, token, path)
            await silent.wait_for(5)
            path = (await register_webhook(lattice, token, receiver.url))["path"]
            await send_test(lattice, token, path)
            await deliveries_when(lattice, token, path, "delivered")
            assert silent.under_way.total() == 5, "all of them are still waited for"

    lattice.do(scenario())


def test_what_was_not_sent_is_sent_after_a_restart(
    settings_with: Callable[..., Settings],
) -> None:
    patient = {"webhook_pauses_s": (0.02,) * 200}
    settings = settings_with(secret="one secret for both processes, long enough", **patient)

    async def leave_unsent(lattice: Lattice, token: str) -> str:
        async with receiving(SILENT) as silent:
            path: str = (await register_webhook(lattice, token, silent.url))["path"]
            await send_test(lattice, token, path)
            await silent.wait_for(1)
        return path

    async def receive(lattice: Lattice, token: str, path: str) -> None:
        async with receiving() as receiver:
            await lattice.send("PATCH", path, token=token, json={"url": receiver.url})
            await deliveries_when(lattice, token, path, "delivered")
            assert len(receiver.requests) == 1

    with Lattice(settings) as before:
        token = before.register().access_token
        path = before.do(leave_unsent(before, token))
    with Lattice(settings) as after:
        after.do(receive(after, token, path))
