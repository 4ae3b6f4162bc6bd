"""Can guests book, and can nobody else in their name?"""

from __future__ import annotations

from asyncio import gather
from datetime import date, timedelta

from pages import ADA, BOB, cookie_of, enter, expect_to_lead, log_in, page_of, see, send, submit

from smokegate import INVESTIGATE, ROLLBACK, Client, Reply, WorkflowSuite, consequence, expect


class TestWorkflows(WorkflowSuite):
    """The share that passed decides, except where trust is at stake."""

    @consequence(ROLLBACK)
    async def test_login_flow(self, client: Client) -> None:
        """The right password begins a session, no other does, and neither says which was wrong."""
        right, wrong, unknown = await gather(
            log_in(client, ADA),
            log_in(client, ADA, password=client.unique("wrong")),
            log_in(client, client.email()),
        )
        expect_to_lead(right, "/bookings")
        expect(right).header("Set-Cookie", has="HttpOnly")
        reasons = [page_of(reply, 403).texts.get("reason") for reply in (wrong, unknown)]
        for reply in wrong, unknown:
            expect(reply).that("no session begins", not cookie_of(reply))
        expect(unknown, or_else=INVESTIGATE).that(
            "an unknown address is refused in the same words",
            reasons[0] == reasons[1],
            seen=reasons,
        )

    @consequence(ROLLBACK)
    async def test_new_session(self, client: Client) -> None:
        """Logging in begins a new session: the cookie from before it opens nothing."""
        form = await client.get("/login")
        before = cookie_of(form)
        words = {"email": ADA, "password": client.settings.test_password}
        after = cookie_of(await submit(client, before, form, "/login", words))
        closed, opened = await gather(*(see(client, each, "/bookings") for each in (before, after)))
        expect(closed).that("the old one is led to the login", "/login" in page_of(closed).inputs)
        expect(opened).that("the new one gets in", "/bookings" in page_of(opened).inputs)

    async def test_logout_flow(self, client: Client) -> None:
        """After logging out the cookie opens nothing, and the browser is told to drop it."""
        cookie = await enter(client, BOB)
        out = await submit(client, cookie, await see(client, cookie, "/bookings"), "/logout")
        expect_to_lead(out, "/")
        expect(out).header("Set-Cookie", has="Max-Age=0")
        page = await see(client, cookie, "/bookings")
        expect(page, or_else=ROLLBACK).that("it is led away", "/login" in page_of(page).inputs)

    async def test_booking_flow(self, client: Client, session: str) -> None:
        """A booking is shown as it was made, is listed, and is gone when it is cancelled."""
        wanted = _booking(client)
        path = f"/bookings/{_id_of(wanted)}"
        expect_to_lead(await _book(client, session, wanted), path)
        shown, listed = await gather(see(client, session, path), see(client, session, "/bookings"))
        for name, value in wanted.items():
            seen = page_of(shown).texts.get(name)
            expect(shown, or_else=ROLLBACK).that(f"{name} is shown", seen == [value], seen=seen)
        expect(listed).that("it is listed", path in page_of(listed).links, seen=listed.text)
        expect_to_lead(await submit(client, session, shown, f"{path}/cancel"), "/bookings")
        gone, listed = await gather(see(client, session, path), see(client, session, "/bookings"))
        expect(gone).status(404)
        expect(listed).that("it is listed no more", path not in page_of(listed).links)

    @consequence(ROLLBACK)
    async def test_taken_room(self, client: Client, session: str, stranger: str) -> None:
        """A room is booked once: whoever comes later is told that it is taken."""
        wanted = _booking(client)
        expect(await _book(client, stranger, wanted)).status(303)
        for cookie in session, stranger:
            again = await _book(client, cookie, wanted | {"purpose": client.unique("again")})
            expect(again).status(409)
        kept = await see(client, stranger, f"/bookings/{_id_of(wanted)}")
        purposes = page_of(kept).texts.get("purpose")
        expect(kept).that("the first one stays", purposes == [wanted["purpose"]], seen=purposes)

    @consequence(ROLLBACK)
    async def test_foreign_booking(self, client: Client, session: str, stranger: str) -> None:
        """Nobody sees or cancels what another guest has booked."""
        wanted = _booking(client)
        path = f"/bookings/{_id_of(wanted)}"
        expect(await _book(client, session, wanted)).status(303)
        foreign, listed = await gather(
            see(client, stranger, path), see(client, stranger, "/bookings")
        )
        expect(foreign).status(404)
        expect(listed).that("it is not listed", path not in page_of(listed).links)
        # The stranger's own token: who may send forms may still not send this one.
        token = {"csrf_token": page_of(listed).inputs.get("/bookings", {}).get("csrf_token", "")}
        expect(await send(client, stranger, f"{path}/cancel", token)).status(404)
        expect(await see(client, session, path)).status(200)

    @consequence(ROLLBACK)
    async def test_forged_form(self, client: Client, session: str) -> None:
        """A form from elsewhere does nothing, even with the guest's cookie."""
        wanted = _booking(client)
        made = ("booking", _id_of(wanted))
        for token in {}, {"csrf_token": client.unique("forged")}:
            forged = await send(client, session, "/bookings", wanted | token, creates=made)
            expect(forged).status(403)
        expect(await see(client, session, f"/bookings/{_id_of(wanted)}")).status(404)

    async def test_wrong_bookings(self, client: Client, session: str) -> None:
        """What is wrong with a booking is named, and nothing is booked."""
        mistakes = {"room": client.unique("none"), "day": "2100-13-01", "purpose": " "}
        for name, wrong in mistakes.items():
            refused = await _book(client, session, _booking(client) | {name: wrong})
            reason = "".join(page_of(refused, 422).texts.get("reason", []))
            expect(refused).that(f"{name} is named", name in reason, seen=reason)


def _booking(client: Client) -> dict[str, str]:
    """A room on a day that nobody else asks for, for a purpose with letters that get damaged."""
    number = int(client.unique("day").rpartition("-")[2], 16) % 2_000_000
    return {
        "room": "garden",
        "day": str(date(2100, 1, 1) + timedelta(days=number)),
        "purpose": f'<b>{client.unique("Müller & 格子")}</b> "+" 100%',
    }


def _id_of(wanted: dict[str, str]) -> str:
    return f"{wanted['room']}-{wanted['day']}"


async def _book(client: Client, session: str, wanted: dict[str, str]) -> Reply:
    """Fill in and send the form of the page, after noting what is to be cancelled."""
    page, made = await see(client, session, "/bookings"), ("booking", _id_of(wanted))
    return await submit(client, session, page, "/bookings", wanted, creates=made)
