"""Is the catalogue up, and does it answer as its documentation says?"""

from __future__ import annotations

from asyncio import gather

from msgspec import Struct

from smokegate import INVESTIGATE, Client, HealthSuite, Reply, expect


class Problem(Struct):
    """Why a request was refused (RFC 9457)."""

    title: str
    status: int
    detail: str


class TestHealth(HealthSuite):
    """What fails here means rollback, unless the check says otherwise."""

    async def test_service_running(self, client: Client) -> None:
        """The catalogue answers, is well, and says which version it is."""
        reply = await client.get("/health")
        expect(reply).status(200).json("status", equals="ok")
        client.saw_version(reply.read(str, "version"))

    async def test_open_to_all(self, client: Client) -> None:
        """Any page in any browser may read the books, and caches may keep them."""
        reply = await client.get("/books", headers={"Origin": "https://reader.example"})
        expect(reply).status(200).header("Access-Control-Allow-Origin", equals="*")
        expect(reply, or_else=INVESTIGATE).header("Cache-Control", has="public")

    async def test_unknown_paths(self, client: Client) -> None:
        """What is not there is said to be not there."""
        name = client.unique("nothing")
        for reply in await gather(client.get(f"/books/{name}"), client.get(f"/{name}")):
            _expect_problem(reply, 404)

    async def test_wrong_queries(self, client: Client) -> None:
        """A wrong query is refused, and what is wrong with it is named."""
        wrong = "limit=0", "limit=51", "limit=ten", "cursor=made-up"
        replies = await gather(*(client.get(f"/books?{query}") for query in wrong))
        for query, reply in zip(wrong, replies, strict=True):
            name = query.partition("=")[0]
            problem = _expect_problem(reply, 400)
            expect(reply).that(f"{name} is named", name in problem.detail, seen=problem.detail)

    async def test_read_only(self, client: Client) -> None:
        """Nobody can write."""
        path = f"/books/{client.unique('nothing')}"
        attempts = ("POST", "/books"), ("PUT", path), ("DELETE", path)
        for reply in await gather(*(client.request(how, at, json={}) for how, at in attempts)):
            _expect_problem(reply, 405)
            expect(reply).header("Allow", has="GET")


def _expect_problem(reply: Reply, status: int) -> Problem:
    """Demand a problem document that says the same as the status line."""
    expect(reply).status(status).header("Content-Type", has="application/problem+json")
    expect(reply).json("status", equals=status)
    return reply.read(Problem)
