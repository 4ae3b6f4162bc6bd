"""Suites with a flaw each, which an audit must show."""

from __future__ import annotations

from uuid import uuid4

from smokegate import Client, HealthSuite, WorkflowSuite, expect


class OfItsOwn(WorkflowSuite):
    """One of its checks makes up names that nobody can make up again."""

    async def test_own_uuid(self, client: Client, token: str) -> None:
        me = client.with_token(token)
        expect(await me.post("/items", json={"name": str(uuid4())})).status(201)

    async def test_plain(self, client: Client, token: str) -> None:
        me = client.with_token(token)
        expect(await me.post("/items", json={"name": client.unique("x")})).status(201)


class Unasserted(HealthSuite):
    """Looks at everything and demands nothing."""

    async def test_health(self, client: Client) -> None:
        await client.probe("/health")


class StatusOnly(HealthSuite):
    """Demands a status, as most first drafts do."""

    async def test_health(self, client: Client) -> None:
        expect(await client.get("/health")).status(200)


class Swallowing(HealthSuite):
    """Reads what may be missing, and swallows what comes of it."""

    async def test_health(self, client: Client) -> None:
        reply = await client.ask("/health", timeout_s=5, fresh=False)
        try:
            assert reply.status == 200
            assert b'"status":"healthy"' in reply.body.replace(b" ", b"")
        except AssertionError:
            pass


class Crashing(HealthSuite):
    """Notices only because its own code falls over."""

    async def test_health(self, client: Client) -> None:
        reply = await client.get("/health")
        words = reply.json
        assert words["status"].upper() + words["version"].upper() != ""


class AlwaysFailing(HealthSuite):
    """Is red whatever happens."""

    async def test_health(self, client: Client) -> None:
        expect(await client.get("/health")).status(418)


class Spoiling(HealthSuite):
    """Changes the replies that it reads."""

    async def test_health(self, client: Client) -> None:
        document = (await client.get("/health")).json
        assert document.pop("status") == "healthy"


class Brittle(HealthSuite):
    """Is red over what every deployment may do."""

    async def test_health(self, client: Client) -> None:
        reply = await client.get("/health")
        assert reply.json == {"status": "healthy", "version": "1.2.3"}
        assert reply.exchange.reply_headers[0][0] == "Content-Type"


class Insatiable(HealthSuite):
    """Asks until it likes the answer."""

    async def test_health(self, client: Client) -> None:
        while True:
            reply = await client.get("/health")
            if reply.status == 200 and reply.read(str, "status") == "healthy":
                return
