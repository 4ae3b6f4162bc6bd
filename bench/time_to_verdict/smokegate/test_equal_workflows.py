"""Eleven checks of what users do."""

from __future__ import annotations

from typing import Any

from smokegate import Client, WorkflowSuite, expect


class TestEqualWorkflows(WorkflowSuite):
    async def test_login(self, client: Client, member: tuple[str, str]) -> None:
        """Who logs in is let in."""
        wanted = {"email": member[0], "password": client.settings.test_password}
        reply = await client.post("/api/auth/login", json=wanted)
        expect(reply).status(200).json("token_type", equals="bearer")
        inside = await client.with_token(reply.read(str, "access_token")).get("/api/auth/me")
        expect(inside).status(200).json("email", equals=member[0])

    async def test_wrong_password(self, client: Client, member: tuple[str, str]) -> None:
        """A wrong password is refused."""
        wrong = {"email": member[0], "password": "wrong-password"}
        reply = await client.post("/api/auth/login", json=wrong)
        expect(reply).status(401).json("status", equals=401)

    async def test_me(self, client: Client, member: tuple[str, str]) -> None:
        """Who registered is known."""
        reply = await client.with_token(member[1]).get("/api/auth/me")
        expect(reply).status(200).json("email", equals=member[0])

    async def test_validation(self, client: Client, member: tuple[str, str]) -> None:
        """A lattice without a name is refused."""
        reply = await client.with_token(member[1]).post("/api/lattices", json={})
        expect(reply).status(422).json("status", equals=422)

    async def test_lattice(
        self, client: Client, member: tuple[str, str], lattice: dict[str, Any]
    ) -> None:
        """What was made is there."""
        reply = await client.with_token(member[1]).get(f"/api/lattices/{lattice['id']}")
        expect(reply).status(200).json("name", equals="grid").json("dimensions", equals=[10, 10])

    async def test_list(
        self, client: Client, member: tuple[str, str], lattice: dict[str, Any]
    ) -> None:
        """What was made is in the list."""
        reply = await client.with_token(member[1]).get("/api/lattices")
        expect(reply).status(200)
        ids = [each["id"] for each in reply.read(list, "items")]
        expect(reply).that("the lattice is among them", lattice["id"] in ids, seen=ids)

    async def test_path(
        self, client: Client, member: tuple[str, str], lattice: dict[str, Any]
    ) -> None:
        """The way through is unbroken, and as long as it says."""
        wanted = {"start": [0, 0], "end": [3, 2]}
        owner = client.with_token(member[1])
        reply = await owner.post(f"/api/lattices/{lattice['id']}/pathfind", json=wanted)
        expect(reply).status(200).json("reachable", equals=True).json("length", equals=5)
        path = reply.read(list, "path")
        ends = path[0] == [0, 0] and path[-1] == [3, 2] and len(path) == 6
        expect(reply).that("it leads from start to end in five steps", ends, seen=path)

    async def test_stranger(self, client: Client, stranger: str, lattice: dict[str, Any]) -> None:
        """Strangers do not see it."""
        reply = await client.with_token(stranger).get(f"/api/lattices/{lattice['id']}")
        expect(reply).status(404).json("status", equals=404)

    async def test_removal(self, client: Client, stranger: str) -> None:
        """What was made can be removed."""
        owner = client.with_token(stranger)
        made = await owner.post("/api/lattices", json={"name": "short-lived"})
        expect(made).status(201)
        removed = await owner.delete(f"/api/lattices/{made.read(str, 'id')}")
        expect(removed).status(204)

    async def test_webhook(self, client: Client, member: tuple[str, str]) -> None:
        """A webhook is kept as it was asked for."""
        owner = client.with_token(member[1])
        wanted = {"url": "https://hooks.example.com/", "events": ["lattice.created"]}
        made = await owner.post("/api/webhooks", json=wanted)
        expect(made).status(201).json("url", equals=wanted["url"])
        kept = await owner.get(f"/api/webhooks/{made.read(str, 'id')}")
        expect(kept).status(200).json("events", equals=["lattice.created"])

    async def test_usage(self, client: Client, member: tuple[str, str]) -> None:
        """Calls are counted."""
        reply = await client.with_token(member[1]).get("/api/usage")
        calls = reply.read(int, "totals", "calls")
        expect(reply).status(200).that("there is one at least", calls > 0, seen=calls)
