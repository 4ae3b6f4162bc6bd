"""The client: what is sent or received as a secret is known as one from then on."""

from __future__ import annotations

import base64

import pytest
from smokegate.errors import NoReply
from smokegate.settings import Sourced

from tests.gate.clients import Bound, bound
from tests.gate.scripted_transport import ScriptedTransport, answered, unanswered

pytestmark = pytest.mark.virtual_clock


def knows(it: Bound, secret: str) -> bool:
    return secret not in it.session.redactor.text(f"({secret})")


async def test_what_is_sent_as_a_secret_is_known_as_one() -> None:
    it = bound(ScriptedTransport(), test_password="Gehe1mnis-0", proxy="http://a:Gehe1mnis-1@proxy")
    client = it.client.with_token("Gehe1mnis-2")
    await client.post("/", json={"user": {"password": "Gehe1mnis-3"}})
    await client.post("/", json={"password": "correct horse battery"})
    assert knows(it, "correct horse battery")
    await client.post("/", body=b'{"client_secret": "Gehe1mnis-4"}')
    await client.get("/", headers={"Authorization": "Bearer Gehe1mnis-5.x"})
    cookie = "a=b; sid=Gehe1mnis-7.x"
    await client.get("/", headers={"X-Api-Key": "Gehe1mnis-6.x", "Cookie": cookie})
    for number in range(5):
        assert knows(it, f"Gehe1mnis-{number}"), number
    for number in range(5, 8):
        assert knows(it, f"Gehe1mnis-{number}.x"), number


async def test_what_is_received_as_a_secret_is_known_as_one() -> None:
    cookie = "sid=Gehe1mnis-1.x==; Path=/api/subscriptions; Expires=Wed, 21 Oct 2026 07:28:00 GMT"
    document = {"items": [{"access_token": "Gehe1mnis-0"}], "webhook_secret": "whsec_12345+/=="}
    headers = [("Set-Cookie", cookie), ("X-Auth-Token", "Gehe1mnis-2.x")]
    it = bound(ScriptedTransport({"GET /": answered(200, document, headers=headers)}))
    await it.client.get("/")
    for secret in ("Gehe1mnis-0", "Gehe1mnis-1.x==", "whsec_12345+/==", "Gehe1mnis-2.x"):
        assert knows(it, secret), secret
    for innocent in ("/api/subscriptions", "Expires", "07:28:00"):
        assert not knows(it, innocent), innocent


async def test_settings_of_suites_may_be_secret() -> None:
    it = bound(ScriptedTransport(), extra={"admin_token": Sourced("Gehe1mnis-0", "x")})
    assert knows(it, "Gehe1mnis-0")


async def test_what_is_sent_in_a_query_is_known_however_it_is_written() -> None:
    it = bound(ScriptedTransport())
    await it.client.get("/echo?api_key=Gehe1mnis-8.x&next=/a-long-way&token=Gehe1m%20nis%2F9")
    for secret in ("Gehe1mnis-8.x", "Gehe1m nis/9", "Gehe1m%20nis%2F9"):
        assert knows(it, secret), secret
    assert not knows(it, "/a-long-way")


async def test_a_password_of_the_scheme_basic_is_known_as_it_is() -> None:
    it = bound(ScriptedTransport())
    credentials = base64.b64encode(b"anna:Gehe1mnis-5.x").decode()
    await it.client.get("/", headers={"Authorization": f"Basic {credentials}"})
    await it.client.get("/", headers={"Authorization": "Basic no-base64"})
    assert knows(it, "Gehe1mnis-5.x")


async def test_a_password_in_a_url_among_the_settings_is_a_secret() -> None:
    url = "postgresql://anna:Gehe1mnis-0@db.internal/lattice"
    it = bound(ScriptedTransport(), extra={"database_url": Sourced(url, "x")})
    assert knows(it, "Gehe1mnis-0")
    assert not knows(it, "db.internal/lattice")


async def test_what_was_wrong_with_a_reply_may_repeat_a_secret_of_it() -> None:
    detail = 'Invalid status line: {"client_secret": "Gehe1mnis-0"}'
    it = bound(ScriptedTransport({"GET /": unanswered("protocol", detail=detail)}))
    with pytest.raises(NoReply):
        await it.client.get("/")
    assert knows(it, "Gehe1mnis-0")
