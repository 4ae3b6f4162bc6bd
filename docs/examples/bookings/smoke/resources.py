"""What the checks share: the sessions of the two guests, and how bookings are cancelled."""

from __future__ import annotations

from pages import ADA, BOB, enter, expect_to_lead, see, submit

from smokegate import Client, removes, resource


@resource
async def session(client: Client) -> str:
    """The guest who books: her session, as a cookie."""
    return await enter(client, ADA)


@resource
async def stranger(client: Client) -> str:
    """Another guest, who must not see what she books."""
    return await enter(client, BOB)


@removes("booking")
async def cancel_booking(client: Client, booking_id: str) -> bool:
    """Cancel a booking, whoever of the guests has it; False if neither has."""
    for guest in ADA, BOB:
        cookie = await enter(client, guest)
        page = await see(client, cookie, f"/bookings/{booking_id}")
        if page.status != 404:
            cancelled = await submit(client, cookie, page, f"/bookings/{booking_id}/cancel")
            expect_to_lead(cancelled, "/bookings")
            return True
    return False
