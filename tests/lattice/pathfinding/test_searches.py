"""A search ends when its time is over or when nobody waits for it."""

import asyncio
import gc
import re
import ssl
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import closing
from typing import Any

import httpx2
import pytest
from lattice.errors import UnavailableError
from lattice.pathfinding.pace import Pace
from lattice.pathfinding.searches import Searches
from lattice.settings import Settings
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from tests.lattice.in_process import PASSWORD
from tests.system.lattice_process import LatticeProcess


def client_that(receive: Callable[[], Awaitable[Message]]) -> Request:
    return Request({"type": "http"}, receive)


async def stays() -> Message:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """Run it; a minute is beyond anything, and only ends what would hang."""
    asyncio.run(asyncio.wait_for(scenario, 60))


def test_a_search_ends_when_the_client_leaves() -> None:
    begun, ended = threading.Event(), threading.Event()

    def search(pace: Pace) -> None:
        begun.set()
        try:
            while True:
                pace.keep()
        finally:
            ended.set()

    async def leaves_during_the_search() -> Message:
        await asyncio.to_thread(begun.wait)
        return {"type": "http.disconnect"}

    complaints: list[dict[str, Any]] = []

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        settings = Settings(dev=True, search_workers=1, search_timeout_s=120)
        with closing(Searches(settings)) as searches:
            with pytest.raises(ClientDisconnect):
                await searches.run(search, client_that(leaves_during_the_search))
            await searches.run(lambda _: None, client_that(stays))
        assert ended.is_set()

    run(scenario())
    gc.collect()
    assert not complaints


def test_a_search_that_nobody_waits_for_does_not_begin() -> None:
    gate = threading.Event()
    done: list[Pace] = []

    async def leaves() -> Message:
        return {"type": "http.disconnect"}

    async def scenario() -> None:
        with closing(Searches(Settings(dev=True, search_workers=1))) as searches:
            first = asyncio.create_task(searches.run(lambda _: gate.wait(), client_that(stays)))
            await asyncio.sleep(0)
            with pytest.raises(ClientDisconnect):
                await searches.run(done.append, client_that(leaves))
            gate.set()
            # The loop stands still until the thread has taken all that was submitted.
            searches._workers.submit(int).result()
            await first

    run(scenario())
    assert not done


def test_the_wait_for_a_thread_is_part_of_the_time() -> None:
    gate = threading.Event()

    async def scenario() -> None:
        settings = Settings(dev=True, search_workers=1, search_timeout_s=0.01)
        with closing(Searches(settings)) as searches:
            first = asyncio.create_task(searches.run(lambda _: gate.wait(), client_that(stays)))
            await asyncio.sleep(0)
            second = asyncio.create_task(searches.run(Pace.keep, client_that(stays)))
            await asyncio.sleep(0.02)
            gate.set()
            await first
            with pytest.raises(UnavailableError, match=r"longer than 0\.01 s"):
                await second

    run(scenario())


def searches_counted(browser: httpx2.Client) -> Counter[str]:
    """How many searches the service has answered, by status."""
    counted = r'^http_requests_total\{.*pathfind",status="(\d+)"\} (\S+)$'
    found = re.findall(counted, browser.get("/metrics").text, re.MULTILINE)
    return Counter({status: int(float(number)) for status, number in found})


def corridor(browser: httpx2.Client, name: str, cells: int) -> tuple[str, str]:
    """Make a lattice to walk through from end to end; returns where, and the token for it."""
    account = {"email": f"{name}@example.com", "password": PASSWORD, "tenant_name": name}
    token = browser.post("/api/auth/register", json=account).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    asked = {"name": "corridor", "dimensions": [cells]}
    made = browser.post("/api/lattices", json=asked, headers=headers)
    return f"{made.headers['Location']}/pathfind", token


def test_health_is_told_while_every_thread_searches(
    server: LatticeProcess, browser: httpx2.Client
) -> None:
    path, token = corridor(browser, "busy", 300_000)
    trust = ssl.create_default_context(cafile=server.ca_file)

    async def scenario() -> None:
        async with httpx2.AsyncClient(base_url=server.url, verify=trust, timeout=None) as client:
            headers = {"Authorization": f"Bearer {token}"}
            question = {"start": [0], "end": [299_999]}
            searches = asyncio.gather(
                *(client.post(path, json=question, headers=headers) for _ in range(3))
            )
            told = 0
            while not searches.done():
                assert (await client.get("/health")).json()["status"] == "healthy"
                told += 1
            assert [reply.status_code for reply in await searches] == [200, 200, 200]
        # Were it held up, it would be told before, between and after the searches.
        assert told > 40

    run(scenario())


def test_a_client_that_hangs_up_is_counted_as_gone(
    server: LatticeProcess, browser: httpx2.Client
) -> None:
    path, token = corridor(browser, "gone", 1_000_000)
    question = '{"start":[0],"end":[999999]}'
    head = (
        f"POST {path} HTTP/1.1\r\nHost: lattice\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(question)}\r\n\r\n"
    )

    async def ask_and_hang_up() -> None:
        trust = ssl.create_default_context(cafile=server.ca_file)
        port = httpx2.URL(server.url).port
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
        writer.write(head.encode() + question.encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    before = searches_counted(browser)
    run(ask_and_hang_up())
    while not (counted := searches_counted(browser) - before):
        pass
    assert counted == Counter({"499": 1})
