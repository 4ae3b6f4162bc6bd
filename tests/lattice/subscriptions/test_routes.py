"""Plans and subscriptions over HTTP."""

import asyncio
from typing import Any

import httpx2
from lattice.tenants.plans import PLANS

from tests.lattice.in_process import Lattice

PATH = "/api/subscriptions"


def plans_seen(lattice: Lattice, token: str) -> tuple[Any, Any]:
    """The plan as the subscription and as the tenant say it."""
    subscription = lattice.ask("GET", PATH, token=token)
    me = lattice.ask("GET", "/api/auth/me", token=token)
    return subscription.json()["plan"], me.json()["tenant"]["plan"]


def test_anyone_sees_the_plans_and_each_allows_more(lattice: Lattice) -> None:
    reply = lattice.ask("GET", "/api/plans")
    assert reply.status_code == 200
    items = reply.json()["items"]
    assert [item["code"] for item in items] == [
        "free",
        "starter",
        "professional",
        "enterprise",
    ]
    for name in items[0]["limits"]:
        limits = [item["limits"][name] for item in items]
        assert limits == sorted(set(limits)), name


def test_subscribed_changed_and_cancelled_is_what_is_read_back(lattice: Lattice) -> None:
    token = lattice.register().access_token
    new = (lattice.ask("GET", PATH, token=token)).json()
    assert (new["plan"], new["status"], new["started_at"]) == ("free", "none", None)
    steps: list[tuple[str, dict[str, str] | None, int, str, str]] = [
        ("POST", {"plan": "starter"}, 201, "starter", "active"),
        ("POST", {"plan": "enterprise"}, 409, "starter", "active"),
        ("PATCH", {"plan": "professional"}, 200, "professional", "active"),
        ("PATCH", {"plan": "gold"}, 422, "professional", "active"),
        ("PATCH", {"plan": "free"}, 200, "free", "active"),
        ("POST", {"plan": "starter"}, 201, "starter", "active"),
        ("DELETE", None, 200, "free", "canceled"),
        ("DELETE", None, 404, "free", "canceled"),
        ("PATCH", {"plan": "enterprise"}, 200, "enterprise", "active"),
    ]
    for method, body, status_code, plan, status in steps:
        reply = lattice.ask(method, PATH, token=token, json=body)
        assert reply.status_code == status_code, reply.text
        seen = (lattice.ask("GET", PATH, token=token)).json()
        assert (seen["plan"], seen["status"]) == (plan, status)
        assert (seen["canceled_at"] is None) == (status == "active")
        limits = next(each.limits for each in PLANS if each.code == plan)
        assert seen["limits"] == limits.model_dump()
        assert plans_seen(lattice, token) == (plan, plan)
        if status_code < 300:
            assert reply.json() == seen


def test_an_unknown_plan_is_refused_by_field(lattice: Lattice) -> None:
    token = lattice.register().access_token
    for body in ({"plan": "gold"}, {"plan": None}, {}):
        reply = lattice.ask("POST", PATH, token=token, json=body)
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["field"] == "plan"
    assert plans_seen(lattice, token) == ("free", "free")


def test_of_two_subscriptions_at_once_one_is_a_conflict(lattice: Lattice) -> None:
    token = lattice.register().access_token

    async def subscribe_at_once() -> list[httpx2.Response]:
        asked = [{"plan": "starter"}, {"plan": "enterprise"}]
        return await asyncio.gather(
            *(lattice.send("POST", PATH, token=token, json=body) for body in asked)
        )

    replies = lattice.do(subscribe_at_once())
    assert sorted(reply.status_code for reply in replies) == [201, 409]
    won = next(reply.json()["plan"] for reply in replies if reply.status_code == 201)
    assert plans_seen(lattice, token) == (won, won)


def test_a_neighbours_plan_stays(lattice: Lattice) -> None:
    ada, bob = lattice.register("ada").access_token, lattice.register("bob").access_token
    lattice.ask("POST", PATH, token=ada, json={"plan": "enterprise"})
    assert plans_seen(lattice, ada) == ("enterprise", "enterprise")
    assert plans_seen(lattice, bob) == ("free", "free")
