"""Whether the target has let this place in, and when control addresses are asked."""

from __future__ import annotations

import pytest
from smokegate.client.control import ANSWERS, Control
from smokegate.client.standing import Standing
from smokegate.client.transport import Answer, Failure, Request
from smokegate.client.whose import AMBIGUOUS, Place
from smokegate.settings import Settings

from tests.gate.raw_server import Connection, serving

HERE, ELSEWHERE = ("192.0.2.9",), ("198.51.100.9",)
TARGET = "https://api.example.com"


def standing(*known: str, controls: tuple[str, ...] = ()) -> Standing:
    return Standing(Settings(url=TARGET, control_addresses=controls), frozenset(known))


def asking(url: str = TARGET, address: str = "") -> Request:
    return Request(method="GET", url=url + "/", headers=[], address=address)


def failing(kind: str, sources: tuple[str, ...] = HERE) -> Answer:
    return Answer(failure=Failure(kind=kind, detail=""), sources=sources)


async def lets_in(it: Standing, sources: tuple[str, ...] = HERE) -> bool:
    return (await it.place_of(asking(), failing("connect_timeout", sources))).lets_in


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=200, sources=HERE),
        Answer(status=500, sources=HERE),
        *map(failing, ("reset", "tls", "silent", "certificate_expired", "protocol", "lost")),
    ],
)
async def test_whoever_was_connected_was_let_in(answer: Answer) -> None:
    it = standing()
    assert not await lets_in(it)
    await it.place_of(asking(), answer)
    assert await lets_in(it)


@pytest.mark.parametrize("kind", [*sorted(AMBIGUOUS), "local", "queued", "deadline", "abandoned"])
async def test_whoever_was_not_connected_was_not_let_in(kind: str) -> None:
    it = standing()
    await it.place_of(asking(), failing(kind))
    assert not await lets_in(it)


@pytest.mark.parametrize(
    "url",
    ["http://api.example.com", "https://api.example.com:8443", "https://other.example.com"],
)
async def test_another_origin_teaches_nothing(url: str) -> None:
    it = standing()
    await it.place_of(asking(url), Answer(status=200, sources=HERE))
    assert not await lets_in(it)


async def test_the_default_port_is_the_same_origin() -> None:
    it = standing()
    await it.place_of(asking(TARGET + ":443"), Answer(status=200, sources=HERE))
    assert await lets_in(it)


async def test_what_comes_from_a_proxy_teaches_nothing() -> None:
    it = standing()
    await it.place_of(asking(), Answer(status=503, sources=HERE, proxy="http://proxy:3128"))
    assert not await lets_in(it)


async def test_another_address_of_ours_is_another_place() -> None:
    it = standing(*HERE)
    assert await lets_in(it)
    assert await lets_in(it, (*ELSEWHERE, *HERE))
    assert not await lets_in(it, ELSEWHERE)
    assert not await lets_in(it, ())


async def hold(connection: Connection) -> None:
    await connection.gone()


@pytest.mark.parametrize("kind", sorted(AMBIGUOUS))
async def test_what_may_be_our_network_makes_us_ask_the_controls(kind: str) -> None:
    async with serving(hold) as server:
        address = server.url.partition("://")[2]
        place = await standing(controls=(address,)).place_of(asking(), failing(kind))
    assert place == Place(controls=(Control(address, ANSWERS),))


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (asking(), Answer(status=200, sources=HERE)),
        (asking(), failing("silent")),
        (asking(), failing("proxy")),
        (asking(), failing("refused", ("127.0.0.1",))),
        (asking(), failing("refused", ("::1",))),
        (asking(address="192.0.2.7"), failing("refused")),
        (asking("http://api.example.com"), failing("refused")),
    ],
)
async def test_otherwise_the_controls_are_left_in_peace(request_: Request, answer: Answer) -> None:
    async with serving(hold) as server:
        it = standing(controls=(server.url.partition("://")[2],))
        assert (await it.place_of(request_, answer)).controls == ()
    assert server.connections == 0


@pytest.mark.parametrize("source", ["127.0.0.1", "::1"])
async def test_this_machine_is_always_let_in_and_never_excused(source: str) -> None:
    place = await standing().place_of(asking(), failing("connect_timeout", (source,)))
    assert place == Place(lets_in=True)
