"""Control addresses: what comes of a connect, and how often they are asked."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

import pytest
from smokegate.client.control import ANSWERS, Control, Controls

from tests.gate.raw_server import Connection, serving
from tests.gate.test_curl_failures import full_backlog
from tests.system.ports import free_port


async def hold(connection: Connection) -> None:
    await connection.gone()


async def ask(*addresses: str) -> list[str]:
    return [each.result for each in await Controls(addresses).ask()]


async def test_one_that_answers_and_one_that_refuses() -> None:
    async with serving(hold) as server:
        answering, refusing = server.url.partition("://")[2], f"127.0.0.1:{free_port()}"
        controls = await Controls((answering, refusing)).ask()
    assert controls == (Control(answering, ANSWERS), Control(refusing, "refused"))


async def test_a_name_of_which_one_address_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(hold) as server:
        port = server.url.rpartition(":")[2]
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, int(port)))
            for address in ("127.0.0.3", "127.0.0.1")
        ]
        resolving(monkeypatch, found)
        assert await ask(f"control.example:{port}") == [ANSWERS]


async def test_one_that_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smokegate.client.control._LIMIT_S", 0.2)
    with full_backlog() as port:
        assert await ask(f"127.0.0.1:{port}") == ["connect_timeout"]


@pytest.mark.parametrize(
    ("code", "result"), [(socket.EAI_NONAME, "name_missing"), (socket.EAI_AGAIN, "resolver")]
)
async def test_a_name_that_does_not_resolve(
    code: int, result: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, socket.gaierror(code, "words"))
    assert await ask("control.example:443") == [result]


async def test_a_resolver_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smokegate.client.control._LIMIT_S", 0.2)
    resolving(monkeypatch, None)
    assert await ask("control.example:443") == ["resolver"]


@pytest.mark.parametrize(
    ("number", "result"),
    [
        (errno.ENETUNREACH, "unreachable"),
        (errno.EHOSTUNREACH, "unreachable"),
        (errno.ETIMEDOUT, "connect_timeout"),
        (errno.ECONNREFUSED, "refused"),
        (errno.EMFILE, "local"),
    ],
)
async def test_what_the_system_says(
    number: int, result: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def connect(*_: object) -> None:
        raise OSError(number, "words")

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", connect)
    assert await ask("127.0.0.1:1") == [result]


async def test_those_who_ask_together_share_an_answer() -> None:
    async with serving(hold) as server:
        controls = Controls((server.url.partition("://")[2],))
        first, second = await asyncio.gather(controls.ask(), controls.ask())
        assert first == second == await controls.ask()
    assert server.connections == 1


async def test_one_who_stops_asking_does_not_stop_the_others() -> None:
    async with serving(hold) as server:
        controls = Controls((server.url.partition("://")[2],))
        leaving, staying = (asyncio.create_task(controls.ask()) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        assert [each.result for each in await staying] == [ANSWERS]


async def test_after_a_while_they_are_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smokegate.client.control._GOOD_FOR_S", 0)
    port = free_port()
    controls = Controls((f"127.0.0.1:{port}",))
    assert [each.result for each in await controls.ask()] == ["refused"]
    with socket.create_server(("127.0.0.1", port)):
        assert [each.result for each in await controls.ask()] == [ANSWERS]


async def test_without_addresses_nothing_is_said() -> None:
    assert await Controls(()).ask() == ()


@pytest.mark.parametrize(
    ("address", "named"),
    [("192.0.2.1:1", False), ("[2001:db8::1]:1", False), ("control.example:1", True)],
)
def test_names_are_told_from_addresses(address: str, named: bool) -> None:
    assert Control(address, ANSWERS).is_named is named


def resolving(monkeypatch: pytest.MonkeyPatch, outcome: Any) -> None:
    """Let the resolver give an outcome: what it finds, an exception, or None for nothing ever."""

    async def resolve(*_: object, **__: object) -> Any:
        if outcome is None:
            await asyncio.Event().wait()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
