"""A whole run against a target that tells everything it hears: no secret is in what is left."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from smokegate.checks import checks_of
from smokegate.client import Client, Session
from smokegate.client.curl import CurlTransport
from smokegate.engine import CheckFinished, Engine, Event, Plan
from smokegate.expectations import WARN
from smokegate.journal import Header, Journal
from smokegate.resources import Catalogue
from smokegate.results import JudgedRun, Outcome, Run, to_json
from smokegate.settings import Settings, Sourced
from smokegate.verdict import judge

from smokegate import HealthSuite, WorkflowSuite, expect, removes, resource
from tests.gate.clients import RUN_ID
from tests.gate.raw_server import Connection, RawServer, reply, serving

PASSWORD = 'Gehe1mnis "& <so> 100%/+\\'
SENT = "sent-Gehe1mnis.eyJhIjoxfQ-_"
RECEIVED = "received-Gehe1mnis+/=="
LATE = "late-Gehe1mnis-0123456789"
ADMIN = "admin-Gehe1mnis-0123456789"


def forms(secret: str) -> Iterator[str]:
    yield secret
    yield repr(secret)[1:-1]
    yield json.dumps(secret)[1:-1]
    yield json.dumps(json.dumps(secret))[3:-3]
    yield quote(secret, safe="")
    yield quote(secret)
    yield base64.b64encode(secret.encode()).decode()
    yield base64.b64encode(f"anna:{secret}".encode()).decode()
    yield base64.urlsafe_b64encode(secret.encode()).decode()


async def echoing(connection: Connection) -> None:
    """Tell in the body, in headers and in the status line everything that was ever said."""
    heard = ""
    while True:
        request = await connection.request()
        heard += request.decode("latin-1")
        told = {"heard": heard, "access_token": RECEIVED}
        if b"GET /late" in request:
            told["refresh_token"] = LATE
        told["all"] = " ".join([*forms(PASSWORD), *forms(SENT), *forms(RECEIVED), *forms(LATE)])
        status = "500 " + PASSWORD if b"GET /broken" in request else "200 OK"
        headers = [f"X-Echo: {PASSWORD}", f"X-Echo: {SENT}", f"Set-Cookie: sid={RECEIVED}; Path=/"]
        await connection.send(reply(status, json.dumps(told).encode(), *headers))


def suites() -> list[type[HealthSuite] | type[WorkflowSuite]]:
    """Give suites that leave secrets in every corner of a run."""

    class Health(HealthSuite):
        async def test_expectation(self, client: Client, account: str) -> None:
            answer = await client.with_token(SENT).get(f"/broken?code={quote(LATE)}")
            expect(answer, or_else=WARN).that(f"{PASSWORD} is not told", False, seen=answer.text)
            expect(answer).status(200)

        async def test_assertion(self, client: Client, account: str) -> None:
            answer = await client.with_token(SENT).get("/things")
            print(answer.text)  # noqa: T201 - its output is kept with the attempt
            assert PASSWORD not in answer.text, f"told {PASSWORD} and {LATE} in {answer.text}"

        async def test_exception(self, client: Client, account: str) -> None:
            answer = await client.get("/things")
            client.warn(f"about to fail with {RECEIVED}")
            raise RuntimeError(f"{LATE} {PASSWORD}") from ValueError(answer.text)

        async def test_reading(self, client: Client, account: str) -> None:
            (await client.get("/things")).read(int, "all")

        async def test_skipped(self, client: Client, account: str) -> None:
            client.skip(f"not for {LATE}")

    class Workflows(WorkflowSuite):
        async def test_login(self, client: Client, account: str) -> None:
            body = {"email": "anna@example.com", "password": PASSWORD}
            await client.post("/login", json=body, headers={"Authorization": f"Basic {SENT}"})

        async def test_late(self, client: Client, account: str, broken: str) -> None: ...

        async def test_last(self, client: Client) -> None:
            # The secret is learnt when nearly everything has been recorded.
            await asyncio.sleep(0.1)
            await client.get("/late")

    return [Health, Workflows]


def catalogue() -> Catalogue:
    @resource
    async def account(client: Client) -> str:
        body = {"password": PASSWORD, "name": LATE}
        await client.post("/accounts", json=body, creates=("account", "anna"))
        return LATE

    @resource
    async def broken(client: Client, account: str) -> str:
        raise AssertionError(f"no {account} with {PASSWORD}")

    @removes("account")
    async def remove_account(client: Client, name: str) -> bool:
        raise AssertionError(f"{LATE} and {PASSWORD} are still there")

    found = Catalogue()
    found.add({"account": account, "broken": broken, "remove_account": remove_account})
    return found


async def run_against(server: RawServer, place: Path) -> tuple[Run, list[Event]]:
    settings = Settings(
        url=server.url,
        test_password=PASSWORD,
        proxy="",
        extra={"admin_token": Sourced(ADMIN, "x"), "hint": Sourced(f"not {PASSWORD}", "x")},
    )
    transport = CurlTransport(max_reply_bytes=1_000_000, max_connections=10)
    journal = Journal(place, Header(run_id=RUN_ID, url=server.url, ca_file="", suites=[]))
    session = Session(
        settings=settings,
        transport=transport,
        creations=journal,
        run_id=RUN_ID,
        user_agent="smokegate/test",
        started=asyncio.get_running_loop().time(),
    )
    plan = Plan(
        checks=[check for suite in suites() for check in checks_of(suite)],
        catalogue=catalogue(),
        settings_of_suites={},
        missing_suites=[],
        partial=False,
    )
    events: list[Event] = []
    try:
        return await Engine(plan, session, journal, events.append, tool="test").run(), events
    finally:
        await transport.close()
        journal.close()


def judged(run: Run) -> JudgedRun:
    fields: dict[str, Any] = {name: getattr(run, name) for name in Run.__struct_fields__}
    return JudgedRun(**fields, verdict=judge(run))


async def test_no_secret_is_in_what_a_run_leaves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(echoing) as server:
        run, events = await run_against(server, tmp_path)
    text = to_json(judged(run)).decode()
    for secret in (PASSWORD, SENT, RECEIVED, LATE, ADMIN):
        for form in forms(secret):
            assert form not in text, form
    assert "Gehe1mnis" not in text
    assert text.count("[redacted]") > 50
    # The evidence is there all the same.
    assert {result.outcome for result in run.checks} >= {
        Outcome.PASSED,
        Outcome.FAILED,
        Outcome.UNKNOWN,
        Outcome.SKIPPED,
        Outcome.BLOCKED,
    }
    assert run.leftovers
    # Nor in what was told meanwhile, as far as it was known by then.
    for event in events:
        if isinstance(event, CheckFinished):
            for secret in (PASSWORD, SENT, RECEIVED):
                assert secret not in repr(event.result)
    assert "Gehe1mnis" not in "".join(capsys.readouterr())
