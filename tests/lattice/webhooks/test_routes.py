"""Webhooks over HTTP, and the events that reach them."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from lattice.tenants.plans import PLANS
from standardwebhooks import Webhook

from tests.lattice.in_process import Lattice
from tests.lattice.webhooks.receiver import receiving
from tests.lattice.webhooks.steps import deliveries_when, register_webhook, send_test

PATH = "/api/webhooks"
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


def test_private_addresses_can_be_refused(lattice_with: Callable[..., Lattice]) -> None:
    lattice = lattice_with(webhooks_allow_private=False)
    token = lattice.register().access_token
    made = lattice.ask("POST", PATH, token=token, json=HOOK)
    private = {"url": "http://127.0.0.1:9000/"}
    for method, path, body in (
        ("POST", PATH, HOOK | private),
        ("PATCH", made.headers["Location"], private),
    ):
        reply = lattice.ask(method, path, token=token, json=body)
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


def test_what_is_taken_back_is_not_announced(lattice: Lattice) -> None:
    token = lattice.register().access_token

    async def scenario() -> None:
        async with receiving() as receiver:
            path = (await register_webhook(lattice, token, receiver.url))["path"]
            bulk = {"lattices": [{"name": "a", "dimensions": [2]}, {"name": "b"}]}
            await lattice.send("POST", "/api/lattices/bulk", token=token, json=bulk)
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
