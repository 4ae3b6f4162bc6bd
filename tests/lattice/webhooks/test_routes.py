"""Webhooks over HTTP, and the events that reach them."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from lattice.database import EVERY_TENANT, now
from lattice.errors import UnavailableError
from lattice.tenants.plans import PLANS
from lattice.webhooks.announcements import Announcements
from lattice.webhooks.tables import webhooks
from sqlalchemy import select, update
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from tests.lattice.in_process import Lattice
from tests.lattice.webhooks.receiver import HOLDING, receiving
from tests.lattice.webhooks.steps import deliveries_when, item_when, register_webhook, send_test

PATH = "/api/webhooks"
# A random pause up to this does not end within a test.
LONG_S = 1e7
HOOK = {"url": "https://hooks.example.com/x", "events": ["path.found", "lattice.created"]}
EVENTS = [
    "lattice.created",
    "lattice.updated",
    "lattice.deleted",
    "path.found",
    "subscription.changed",
]


def test_the_secret_is_shown_once(lattice: Lattice) -> None:
    token = lattice.register().access_token
    made = lattice.ask("POST", PATH, token=token, json=HOOK)
    assert made.status_code == 201
    body = made.json()
    assert body.pop("secret").startswith("whsec_")
    assert {name: body[name] for name in HOOK} == HOOK
    assert (body["enabled"], body["description"]) == (True, None)
    assert (lattice.ask("GET", made.headers["Location"], token=token)).json() == body
    listed = lattice.ask("GET", PATH, token=token)
    assert listed.json() == {"items": [body], "total": 1}


@pytest.mark.sampled(8)
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "gopher://x/"}, "url"),
        ({"url": "http://"}, "url"),
        ({"url": "http://x/" + "a" * 2048}, "url"),
        ({"url": 5}, "url"),
        ({"events": []}, "events"),
        ({"events": ["*"]}, "events.0"),
        ({"events": ["webhook.test"]}, "events.0"),
        ({"events": ["path.found", "path.found"]}, "events"),
        ({"description": "a\u0000b"}, "description"),
    ],
)
def test_what_cannot_be_a_webhook_is_refused_by_field(
    lattice: Lattice, change: dict[str, Any], field: str
) -> None:
    token = lattice.register().access_token
    made = lattice.ask("POST", PATH, token=token, json=HOOK)
    for method, path, body in (
        ("POST", PATH, HOOK | change),
        ("PATCH", made.headers["Location"], change),
    ):
        reply = lattice.ask(method, path, token=token, json=body)
        assert reply.status_code == 422, reply.text
        assert reply.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("url", ["http://hooks.example.com/", "https://127.0.0.1:9000/"])
def test_private_addresses_and_http_are_refused(
    lattice_with: Callable[..., Lattice], url: str
) -> None:
    lattice = lattice_with(webhooks_allow_private=False)
    token = lattice.register().access_token
    made = lattice.ask("POST", PATH, token=token, json=HOOK)
    for method, path in (("POST", PATH), ("PATCH", made.headers["Location"])):
        reply = lattice.ask(method, path, token=token, json=HOOK | {"url": url})
        assert reply.status_code == 422
        assert [error["field"] for error in reply.json()["errors"]] == ["url"]


def test_a_change_changes_what_it_names(lattice: Lattice) -> None:
    token = lattice.register().access_token
    made = lattice.ask("POST", PATH, token=token, json=HOOK)
    path = made.headers["Location"]
    before = (lattice.ask("GET", path, token=token)).json()
    change: dict[str, Any]
    for change in (
        {"url": "http://other.example/"},
        {"events": ["lattice.deleted"]},
        {"description": "for the index"},
        {"enabled": False},
        {"description": None},
        {},
    ):
        changed = lattice.ask("PATCH", path, token=token, json=change)
        before |= change
        assert (changed.status_code, changed.json()) == (200, before)
        assert (lattice.ask("GET", path, token=token)).json() == before
    for refused in ({"secret": "mine"}, {"enabled": None}, {"url": None}):
        reply = lattice.ask("PATCH", path, token=token, json=refused)
        assert reply.json()["errors"][0]["field"] == next(iter(refused))


def test_another_tenants_webhook_is_not_there(lattice: Lattice) -> None:
    ada, bob = lattice.register("ada").access_token, lattice.register("bob").access_token
    made = lattice.ask("POST", PATH, token=ada, json=HOOK)
    path = made.headers["Location"]
    for method, where, body in (
        ("GET", path, None),
        ("PATCH", path, {"url": "http://bob.example/"}),
        ("DELETE", path, None),
        ("POST", f"{path}/test", None),
        ("GET", f"{path}/deliveries", None),
    ):
        foreign = lattice.ask(method, where, token=bob, json=body)
        assert foreign.status_code == 404, (method, where)
    assert (lattice.ask("GET", PATH, token=bob)).json() == {"items": [], "total": 0}
    seen = (lattice.ask("GET", path, token=ada)).json()
    assert seen["url"] == HOOK["url"]


def test_what_is_removed_is_gone_with_its_deliveries(lattice: Lattice) -> None:
    token = lattice.register().access_token

    async def scenario() -> None:
        async with receiving() as receiver:
            path = (await register_webhook(lattice, token, receiver.url))["path"]
            await send_test(lattice, token, path)
            await deliveries_when(lattice, token, path, "delivered")
            assert (await lattice.send("DELETE", path, token=token)).status_code == 204
            for where in (path, f"{path}/deliveries"):
                assert (await lattice.send("GET", where, token=token)).status_code == 404
            assert (await lattice.send("DELETE", path, token=token)).status_code == 404

    lattice.do(scenario())


def test_the_last_place_of_a_plan_is_given_once_by_whichever_process(lattice: Lattice) -> None:
    token = lattice.register().access_token

    async def scenario() -> None:
        limit = PLANS[0].limits.webhooks
        async with lattice.beside() as beside:
            sends = [lattice.send, beside] * 25
            replies = await asyncio.gather(
                *(send("POST", PATH, token=token, json=HOOK) for send in sends)
            )
        refused = [403] * (50 - limit)
        assert sorted(reply.status_code for reply in replies) == [201] * limit + refused
        problem = next(reply for reply in replies if reply.status_code == 403).json()
        assert (problem["resource"], problem["limit"]) == ("webhooks", limit)

    lattice.do(scenario())


def test_a_test_delivery_arrives_signed(lattice: Lattice) -> None:
    token = lattice.register().access_token

    async def scenario() -> None:
        async with receiving() as receiver:
            hook = await register_webhook(lattice, token, receiver.url)
            queued = await send_test(lattice, token, hook["path"])
            assert (queued["event"], queued["status"]) == ("webhook.test", "pending")
            (delivery,) = await deliveries_when(lattice, token, hook["path"], "delivered")
            assert delivery["id"] == queued["delivery_id"]
            assert (delivery["attempts"], delivery["response_status"]) == (1, 204)
            ((line, headers, body),) = receiver.requests
            assert line == "POST /hook HTTP/1.1"
            assert headers["webhook-id"] == queued["delivery_id"]
            assert headers["content-type"] == "application/json"
            assert headers["user-agent"].startswith("Lattice-Webhooks/")
            Webhook(hook["secret"]).verify(body, headers)
            message = json.loads(body)
            assert message["type"] == "webhook.test"
            assert message["data"]["webhook_id"] == hook["id"]

    lattice.do(scenario())


def test_every_event_arrives_once_where_it_is_wanted(lattice: Lattice) -> None:
    ada, bob = lattice.register("ada").access_token, lattice.register("bob").access_token

    async def scenario() -> None:

        async def happen() -> None:
            asked = {"name": "Lager \u2713", "dimensions": [2, 2], "obstacles": [[0, 1]]}
            made = await lattice.send("POST", "/api/lattices", token=ada, json=asked)
            path = made.headers["Location"]
            question = {"start": [0, 0], "end": [1, 1]}
            await lattice.send("POST", f"{path}/pathfind", token=ada, json=question)
            await lattice.send("PATCH", path, token=ada, json={"name": "other"})
            await lattice.send("DELETE", path, token=ada)
            plan = {"plan": "starter"}
            await lattice.send("POST", "/api/subscriptions", token=ada, json=plan)
            # Nothing changes, so nothing happens.
            await lattice.send("PATCH", "/api/subscriptions", token=ada, json=plan)
            bulk = {"lattices": [asked, asked]}
            await lattice.send("POST", "/api/lattices/bulk", token=ada, json=bulk)

        async with (
            receiving() as receiver,
            receiving() as foreign,
            receiving() as off,
            receiving() as other,
        ):
            await register_webhook(lattice, ada, other.url, "lattice.deleted")
            path = (await register_webhook(lattice, ada, receiver.url, *EVENTS))["path"]
            await register_webhook(lattice, bob, foreign.url, *EVENTS)
            disabled = await register_webhook(lattice, ada, off.url, *EVENTS)
            await lattice.send("PATCH", disabled["path"], token=ada, json={"enabled": False})
            await happen()
            delivered = await deliveries_when(lattice, ada, path, "delivered")
            messages = [json.loads(body) for _, _, body in receiver.requests]
            created = "lattice.created"
            expected = [*EVENTS, created, created]
            assert sorted(message["type"] for message in messages) == sorted(expected)
            assert sorted(item["event"] for item in delivered) == sorted(expected)
            assert foreign.requests == off.requests == []
            await other.wait_for(1)
            (only,) = other.requests
            assert json.loads(only[2])["type"] == "lattice.deleted"
            data = {message["type"]: message["data"] for message in messages}
            assert data["path.found"]["length"] == 2
            assert data["lattice.updated"]["name"] == "other"
            assert data["lattice.deleted"]["dimensions"] == [2, 2]
            assert data["subscription.changed"]["previous_plan"] == "free"
            assert data["subscription.changed"]["plan"] == "starter"

    lattice.do(scenario())


@pytest.mark.parametrize("is_written", [False, True])
def test_events_stand_and_fall_with_what_causes_them(
    lattice: Lattice, monkeypatch: pytest.MonkeyPatch, is_written: bool
) -> None:
    token = lattice.register().access_token
    asked = {"name": "a", "dimensions": [2]}
    queue = Announcements.queue

    async def queue_and_fail(announcements: Announcements, *given: Any) -> None:
        if is_written:
            await queue(announcements, *given)
        raise UnavailableError("told to")

    async def scenario() -> None:
        async with receiving() as receiver:
            path = (await register_webhook(lattice, token, receiver.url))["path"]
            with monkeypatch.context() as patched:
                patched.setattr(Announcements, "queue", queue_and_fail)
                failed = await lattice.send("POST", "/api/lattices", token=token, json=asked)
            assert failed.status_code == 503
            assert (await lattice.send("GET", "/api/lattices", token=token)).json()["total"] == 0
            await send_test(lattice, token, path)
            (delivery,) = await deliveries_when(lattice, token, path, "delivered")
            assert delivery["event"] == "webhook.test"

    lattice.do(scenario())


def test_deliveries_come_in_pages(lattice: Lattice) -> None:
    token = lattice.register().access_token

    async def scenario() -> None:
        async with receiving() as receiver:
            path = (await register_webhook(lattice, token, receiver.url))["path"]
            ids = [(await send_test(lattice, token, path))["delivery_id"] for _ in range(3)]
            page = await lattice.send("GET", f"{path}/deliveries?limit=2&offset=1", token=token)
            assert page.json()["total"] == 3
            assert [item["id"] for item in page.json()["items"]] == ids[1::-1]

    lattice.do(scenario())


def test_a_delivery_can_be_looked_at(lattice_with: Callable[..., Lattice]) -> None:
    lattice = lattice_with(webhook_pauses_s=(LONG_S,))
    token = lattice.register().access_token

    async def scenario() -> None:
        async with receiving(500, 204) as receiver:
            path = (await register_webhook(lattice, token, receiver.url))["path"]
            waits = await send_test(lattice, token, path)
            await receiver.wait_for(1)
            done = await send_test(lattice, token, path)
            for queued, status in ((waits, "pending"), (done, "delivered")):
                where = f"{path}/deliveries/{queued['delivery_id']}"
                seen = await item_when(lattice, token, where, attempts=1)
                assert seen["status"] == status
                assert (seen["next_attempt_at"] is None) == (status == "delivered")
                (body,) = (
                    body
                    for _, headers, body in receiver.requests
                    if headers["webhook-id"] == seen["id"]
                )
                assert seen.pop("body").encode() == body
                listed = await lattice.send("GET", f"{path}/deliveries", token=token)
                assert seen in listed.json()["items"]

    lattice.do(scenario())


@pytest.mark.parametrize(
    ("before", "answer", "pauses_s"),
    [("pending", 500, (LONG_S,)), ("failed", 500, ()), ("delivered", 204, ())],
)
def test_a_delivery_is_replayed_whatever_came_of_it(
    lattice_with: Callable[..., Lattice], before: str, answer: int, pauses_s: tuple[float, ...]
) -> None:
    lattice = lattice_with(webhook_pauses_s=pauses_s)
    token = lattice.register().access_token

    async def scenario() -> None:
        async with receiving(answer, 204) as receiver:
            path = (await register_webhook(lattice, token, receiver.url))["path"]
            queued = await send_test(lattice, token, path)
            where = f"{path}/deliveries/{queued['delivery_id']}"
            await item_when(lattice, token, where, attempts=1, status=before)
            replayed = await lattice.send("POST", f"{where}/replay", token=token)
            assert (replayed.status_code, replayed.json()) == (202, queued)
            await receiver.wait_for(2)
            await item_when(lattice, token, where, attempts=1, status="delivered")
            first, second = receiver.requests
            assert first[1]["webhook-id"] == second[1]["webhook-id"] == queued["delivery_id"]
            assert first[2] == second[2]

    lattice.do(scenario())


def test_a_delivery_under_way_is_not_sent_beside_itself(lattice: Lattice) -> None:
    token = lattice.register().access_token

    async def scenario() -> None:
        async with receiving(HOLDING) as receiver:
            path = (await register_webhook(lattice, token, receiver.url))["path"]
            queued = await send_test(lattice, token, path)
            await receiver.wait_for(1)
            where = f"{path}/deliveries/{queued['delivery_id']}"
            await lattice.send("POST", f"{where}/replay", token=token)
            # Whoever looked for what is due since has found this one.
            await send_test(lattice, token, path)
            await receiver.wait_for(2)
            receiver.released.set()
            await deliveries_when(lattice, token, path, "delivered")
            assert receiver.doubled == []
            assert len(receiver.requests) == 2

    lattice.do(scenario())


def test_a_replay_with_a_key_is_one(lattice: Lattice) -> None:
    token = lattice.register().access_token

    async def scenario() -> None:
        async with receiving() as receiver:
            path = (await register_webhook(lattice, token, receiver.url))["path"]
            queued = await send_test(lattice, token, path)
            where = f"{path}/deliveries/{queued['delivery_id']}"
            for _ in range(2):
                await item_when(lattice, token, where, status="delivered")
                key = {"Idempotency-Key": "again"}
                replay = await lattice.send("POST", f"{where}/replay", token=token, headers=key)
                assert replay.status_code == 202
            await item_when(lattice, token, where, status="delivered")
            assert len(receiver.requests) == 2

    lattice.do(scenario())


def test_a_rotated_secret_signs_beside_the_one_before_for_a_day(lattice: Lattice) -> None:
    token = lattice.register().access_token

    async def rotate(path: str) -> str:
        reply = await lattice.send("POST", f"{path}/secret/rotate", token=token)
        assert reply.status_code == 200
        secret: str = reply.json().pop("secret")
        shown = await lattice.send("GET", path, token=token)
        assert reply.json() == shown.json() | {"secret": secret}
        return secret

    async def scenario() -> None:
        async with receiving() as receiver:

            async def verifying(*secrets: str) -> list[bool]:
                """Which of the secrets the next delivery can be verified with."""
                await send_test(lattice, token, hook["path"])
                await deliveries_when(lattice, token, hook["path"], "delivered")
                _, headers, body = receiver.requests[-1]
                return [_verifies(secret, body, headers) for secret in secrets]

            hook = await register_webhook(lattice, token, receiver.url)
            first, second = hook["secret"], await rotate(hook["path"])
            assert await verifying(first, second) == [True, True]
            third = await rotate(hook["path"])
            assert await verifying(first, second, third) == [False, True, True]
            async with lattice.database.writing(EVERY_TENANT) as connection:
                (until,) = await connection.scalars(select(webhooks.c.previous_secret_until))
                assert timedelta(hours=23) < until - now() <= timedelta(days=1)
                await connection.execute(update(webhooks).values(previous_secret_until=now()))
            assert await verifying(first, second, third) == [False, False, True]

    lattice.do(scenario())


def _verifies(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True
