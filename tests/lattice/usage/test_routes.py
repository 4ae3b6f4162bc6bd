"""Usage over HTTP: exact, whatever happens at once."""

import asyncio
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from lattice.database import EVERY_TENANT
from lattice.settings import Settings
from lattice.usage import counter as counting
from lattice.usage.schemas import Counts
from lattice.usage.service import add_usage, today

from tests.lattice.in_process import Lattice, Send

PATH = "/api/usage"
NOTHING = {"calls": 0, "lattices_created": 0, "path_searches": 0}


def totals(lattice: Lattice, token: str) -> dict[str, int]:
    reply = lattice.ask("GET", PATH, token=token)
    assert reply.status_code == 200, reply.text
    counted: dict[str, int] = reply.json()["totals"]
    return counted


def test_the_counts_are_what_was_done(lattice: Lattice) -> None:
    token, other = lattice.register("ada").access_token, lattice.register("bob").access_token
    assert totals(lattice, token) == NOTHING
    cube = {"name": "cube", "dimensions": [2, 2]}
    made = lattice.ask("POST", "/api/lattices", token=token, json=cube)
    bulk = {"lattices": [cube, cube, cube]}
    lattice.ask("POST", "/api/lattices/bulk", token=token, json=bulk)
    search = f"{made.headers['Location']}/pathfind"
    for end in ([1, 1], [0, 0], [7, 7]):
        question = {"start": [0, 0], "end": end}
        lattice.ask("POST", search, token=token, json=question)
    # Refusals are answers: not found, not allowed, not valid.
    lattice.ask("GET", "/api/lattices/none", token=token)
    lattice.ask("POST", "/api/lattices", token=token, json={"name": "no"})
    assert totals(lattice, token) == {
        "calls": 7,
        "lattices_created": 4,
        "path_searches": 2,
    }
    assert totals(lattice, other) == NOTHING


def test_looking_does_not_change_what_is_seen(lattice: Lattice) -> None:
    token = lattice.register().access_token
    lattice.ask("GET", "/api/auth/me", token=token)
    for query in ("", "?from=2999-01-01", "?from=nonsense"):
        lattice.ask("GET", PATH + query, token=token)
        assert (totals(lattice, token))["calls"] == 1


def test_calls_without_a_caller_are_nobodys(lattice: Lattice) -> None:
    token = lattice.register().access_token
    lattice.ask("GET", "/api/plans", token=token)
    lattice.ask("GET", "/api/lattices")
    lattice.ask("GET", "/api/lattices", token=token + "x")
    assert totals(lattice, token) == NOTHING


def test_calls_at_once_are_all_counted_by_whichever_process(
    lattice_with: Callable[..., Lattice],
) -> None:
    lattice = lattice_with(rate_limit_session=1000, rate_limit_tenant=1000)
    token = lattice.register().access_token
    cube = {"name": "cube", "dimensions": [2]}

    async def work(send: Send) -> None:
        assert (await send("GET", "/api/auth/me", token=token)).status_code == 200
        assert (await send("POST", "/api/lattices", token=token, json=cube)).status_code == 201
        assert (await send("GET", PATH, token=token)).status_code == 200

    async def work_at_once() -> None:
        async with lattice.beside() as beside:
            await asyncio.gather(*(work(send) for send in [lattice.send, beside] * 20))
            # Both have answered: each of them can see it all, and neither has ended.
            wanted = {"calls": 80, "lattices_created": 40, "path_searches": 0}
            for send in (lattice.send, beside):
                seen = (await send("GET", PATH, token=token)).json()["totals"]
                assert seen == wanted

    lattice.do(work_at_once())


def test_who_has_an_answer_can_see_it_counted_at_any_process(
    lattice: Lattice, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So long that only the call itself can have written it.
    monkeypatch.setattr(counting, "FLUSH_INTERVAL_S", 3600)
    token = lattice.register().access_token

    async def scenario() -> None:
        async with lattice.beside() as beside:
            for count in (1, 2):
                await lattice.send("GET", "/api/auth/me", token=token)
                seen = await beside("GET", PATH, token=token)
                assert seen.json()["totals"]["calls"] == count

    lattice.do(scenario())


def test_counts_outlive_the_process(
    settings_with: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    # So long that only the flush at the end can have written them.
    monkeypatch.setattr(counting, "FLUSH_INTERVAL_S", 3600)
    settings = settings_with(secret="one secret for both processes, long enough")
    with Lattice(settings) as before:
        token = before.register().access_token
        for _ in range(5):
            before.ask("GET", "/api/auth/me", token=token)
    with Lattice(settings) as after:
        assert totals(after, token)["calls"] == 5


def test_a_tenant_that_is_gone_takes_nothing_down(lattice: Lattice) -> None:
    ada, bob = lattice.register("ada").access_token, lattice.register("bob").access_token
    lattice.ask("GET", "/api/auth/me", token=bob)
    lattice.ask("DELETE", "/api/auth/me", token=ada)
    assert (totals(lattice, bob))["calls"] == 1


def test_days_are_told_apart(lattice: Lattice) -> None:
    account = lattice.register()
    token = account.access_token
    yesterday = today() - timedelta(days=1)

    async def add() -> None:
        async with lattice.database.writing(EVERY_TENANT) as connection:
            for _ in range(2):
                counts = Counts(calls=3, lattices_created=1)
                await add_usage(connection, account.tenant["id"], yesterday, counts)

    lattice.do(add())
    lattice.ask("GET", "/api/auth/me", token=token)
    usage = lattice.ask("GET", f"{PATH}?from={yesterday}&to={today()}", token=token).json()
    assert (usage["from"], usage["to"]) == (f"{yesterday}", f"{today()}")
    assert usage["days"] == [
        {"date": f"{yesterday}", "calls": 6, "lattices_created": 2, "path_searches": 0},
        {"date": f"{today()}", "calls": 1, "lattices_created": 0, "path_searches": 0},
    ]
    assert usage["totals"] == {"calls": 7, "lattices_created": 2, "path_searches": 0}
    only = lattice.ask("GET", f"{PATH}?from={yesterday}&to={yesterday}", token=token)
    assert only.json()["totals"]["calls"] == 6


@pytest.mark.parametrize(
    ("query", "status_code"),
    [
        ("", 200),
        ("?to=0001-01-03", 200),
        ("?from=2025-01-01&to=2026-01-01", 200),
        ("?from=2025-01-01&to=2026-01-02", 422),
        ("?from=2026-02-02&to=2026-02-01", 422),
        ("?from=2026-02-30", 422),
        ("?to=tomorrow", 422),
    ],
)
def test_a_span_is_a_year_at_most(lattice: Lattice, query: str, status_code: int) -> None:
    reply = lattice.ask("GET", PATH + query, token=lattice.register().access_token)
    assert reply.status_code == status_code
    if status_code == 422:
        assert reply.json()["errors"][0]["field"] in {"from", "to"}
    else:
        days = [date.fromisoformat(day["date"]) for day in reply.json()["days"]]
        assert days == sorted(days)
        assert (f"{days[0]}", f"{days[-1]}") == (reply.json()["from"], reply.json()["to"])
