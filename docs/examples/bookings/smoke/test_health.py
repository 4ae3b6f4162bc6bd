"""Is the house open, and are its doors closed to those without a key?"""

from __future__ import annotations

from asyncio import gather

from pages import cookie_of, page_of, see

from smokegate import INVESTIGATE, Client, HealthSuite, expect


class TestHealth(HealthSuite):
    """What fails here means rollback, unless the check says otherwise."""

    async def test_service_running(self, client: Client) -> None:
        """The service answers, is well, and says which version it is."""
        reply = await client.get("/health")
        expect(reply).status(200).json("status", equals="ok")
        client.saw_version(reply.read(str, "version"))

    async def test_front_page(self, client: Client) -> None:
        """Everyone sees which rooms there are."""
        reply = await client.get("/")
        rooms = page_of(reply).texts.get("room", [])
        expect(reply).that("the garden room is among them", "garden" in rooms, seen=rooms)

    async def test_login_form(self, client: Client) -> None:
        """Who wants to log in gets a form, and a cookie that no script can read."""
        reply, other = await gather(client.get("/login"), client.get("/login"))
        inputs = page_of(reply).inputs.get("/login", {})
        form = expect(reply)
        form.that("it asks for both", inputs.keys() >= {"email", "password"}, seen=[*inputs])
        form.that("it is filled with a token", len(inputs.get("csrf_token", "")) >= 16)
        form.that("the token is new each time", inputs != page_of(other).inputs.get("/login"))
        form.that("a session begins", cookie_of(reply).startswith("session="))
        form.header("Set-Cookie", has="HttpOnly").header("Cache-Control", has="no-store")
        expect(reply, or_else=INVESTIGATE).header("Set-Cookie", has="SameSite")

    async def test_closed_doors(self, client: Client) -> None:
        """Who has no session, or a made-up one, is led to the login form."""
        made_up = f"session={client.unique('none')}"
        replies = await gather(client.get("/bookings"), see(client, made_up, "/bookings"))
        for reply in replies:
            is_form = "/login" in page_of(reply).inputs
            expect(reply).that("it is the login form", is_form, seen=reply.exchange.url)

    async def test_unknown_page(self, client: Client) -> None:
        """A page that is not there is said to be not there, in words for people."""
        reply = await client.get(f"/{client.unique('nothing')}")
        reasons = page_of(reply, 404).texts.get("reason", [])
        expect(reply).that("a reason is given", any(reasons), seen=reasons)
