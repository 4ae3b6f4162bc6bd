"""What a request creates is written down before the request is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from smokegate.client import Client
from smokegate.engine.attempt import Attempts, Ended
from smokegate.errors import JournalError
from smokegate.journal import Header, Journal
from smokegate.results import Consequence, Outcome

from tests.gate.clients import RUN_ID, Bound, over_curl
from tests.gate.raw_server import Connection, RawServer, always, reply, serving


async def attempt(it: Bound, work: Callable[[Client], Awaitable[object]]) -> Ended:
    return await Attempts(it.session, 30.0).make("health.test_it", 1, Consequence.ROLLBACK, work)


def journals_in(place: Path) -> list[str]:
    """Give the text of every file in the journals' folder."""
    return [path.read_text() for path in place.iterdir()]


async def creating(server: RawServer, place: Path, *, name: str = "cube") -> tuple[Ended, Journal]:
    journal = Journal(place, Header(run_id=RUN_ID, url=server.url, ca_file="", suites=[]))

    async def work(client: Client) -> None:
        body = {"name": name, "password": "Gehe1mnis!"}
        await client.with_token("token-of-anna").post("/things", json=body, creates=("thing", name))

    async with over_curl(server.url) as it:
        it.session.creations = journal
        ended = await attempt(it, work)
        journal.close()
    return ended, journal


async def test_the_intent_is_on_the_disk_when_the_request_arrives(tmp_path: Path) -> None:
    seen: list[str] = []

    async def script(connection: Connection) -> None:
        await connection.request()
        seen.extend(journals_in(tmp_path))
        await connection.send(reply("201 Created"))

    async with serving(script) as server:
        ended, journal = await creating(server, tmp_path)
    assert ended.outcome is Outcome.PASSED
    assert len(seen) == 1
    assert '"name":"cube"' in seen[0]
    assert [each.name for each in journal.pending] == ["cube"]


async def test_no_secret_is_in_the_journal(tmp_path: Path) -> None:
    async with serving(always(reply("201 Created"))) as server:
        await creating(server, tmp_path)
    text = "".join(journals_in(tmp_path))
    assert '"name":"cube"' in text
    assert "Gehe1mnis" not in text
    assert "token-of-anna" not in text


async def test_what_cannot_be_written_down_is_not_sent(tmp_path: Path) -> None:
    place = tmp_path / "journal"
    place.write_text("a file where the folder should be")
    async with serving(always(reply("201 Created"))) as server:
        ended, journal = await creating(server, place)
    assert server.requests == []
    assert ended.outcome is Outcome.UNKNOWN
    assert "journal" in ended.attempt.reason
    assert JournalError.__name__ in ended.attempt.traceback
    assert journal.pending == []


async def test_a_creation_whose_answer_never_came_stays_pending(tmp_path: Path) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        connection.reset()

    async with serving(script) as server:
        ended, journal = await creating(server, tmp_path)
    assert ended.outcome is Outcome.FAILED
    assert [(each.name, each.made) for each in journal.pending] == [("cube", None)]
    assert len(journals_in(tmp_path)) == 1


async def test_a_creation_that_was_refused_leaves_nothing(tmp_path: Path) -> None:
    async with serving(always(reply("422 No"))) as server:
        _, journal = await creating(server, tmp_path)
    assert journal.pending == []
    assert journals_in(tmp_path) == []
