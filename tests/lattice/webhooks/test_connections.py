"""Where deliveries connect to, and how much of an answer they read."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any

import httpcore2
import httpx2
import pytest
from lattice.settings import Settings
from lattice.webhooks.outbox import Attempt
from lattice.webhooks.posting import Poster
from smokegate.fault_proxy.certificates import Certificates

from tests.lattice.in_process import Lattice
from tests.lattice.webhooks.receiver import BODY, EARLY_HINTS, HEADER, receiving
from tests.lattice.webhooks.steps import deliveries_when, register_webhook, send_test

PUBLIC, OTHER_PUBLIC, PRIVATE = "93.184.216.34", "2606:4700::6810:84e5", "127.0.0.1"


# Time is not what ends it.
PATIENTLY = {"webhooks_allow_private": True, "webhook_timeout_s": 30}


class Names:
    """A resolver that gives the answers it was told, in turn, then the last of them."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def resolve(self, host: str, port: int, *_: object, **__: object) -> list[Any]:
        addresses = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]


class Unreachable(httpcore2.AsyncNetworkBackend):
    """Notes what is connected to; nothing can be."""

    def __init__(self) -> None:
        self.tried: list[str] = []

    async def connect_tcp(self, host: str, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        self.tried.append(host)
        raise httpcore2.ConnectError("told to")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Names]:
    """Let every name lead where a test says."""

    def lead(*answers: list[str]) -> Names:
        found = Names(*answers)
        monkeypatch.setattr(socket, "getaddrinfo", found.resolve)
        return found

    return lead


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Unreachable:
    """No network: what would be connected to is noted."""
    unreachable = Unreachable()
    monkeypatch.setattr("lattice.webhooks.connections.AnyIOBackend", lambda: unreachable)
    return unreachable


async def post_from(url: str, *, times: int = 1, **given: object) -> list[Attempt]:
    """Post to an address so often, as a service with these settings does."""
    settings = Settings.model_validate({"dev": True, "webhooks_allow_private": False} | given)
    async with Poster(settings) as poster:
        return [await poster.post(url, {"webhook-id": "one"}, b"{}") for _ in range(times)]


def post(url: str, times: int = 1) -> list[Attempt]:
    return asyncio.run(post_from(url, times=times))


def test_the_address_that_was_checked_is_the_one_connected_to(
    names: Callable[..., Names], network: Unreachable
) -> None:
    resolver = names([PUBLIC], [PRIVATE])
    first, second = post("https://hooks.example/", times=2)
    # Not by its name: whoever connects would resolve it again.
    assert network.tried == [PUBLIC]
    assert resolver.asked == 2
    assert first.error == "ConnectError: told to"
    assert second.error == "ConnectError: hooks.example leads to an address that is not public"


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "fe80::1%2",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "ff02::1",
    ],
)
@pytest.mark.parametrize("others", [[], [PUBLIC]])
def test_one_address_that_is_not_public_is_enough(
    names: Callable[..., Names], network: Unreachable, address: str, others: list[str]
) -> None:
    names([*others, address])
    (attempt,) = post("https://hooks.example/")
    assert attempt.error == "ConnectError: hooks.example leads to an address that is not public"
    assert network.tried == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "017700000001"])
def test_an_address_written_otherwise_is_still_one(network: Unreachable, host: str) -> None:
    (attempt,) = post(f"https://{host}/")
    assert attempt.error
    assert "not public" in attempt.error
    assert network.tried == []


def test_addresses_are_tried_in_turn(names: Callable[..., Names], network: Unreachable) -> None:
    names([PUBLIC, OTHER_PUBLIC])
    post("https://hooks.example/")
    assert network.tried == [PUBLIC, OTHER_PUBLIC]


def test_a_name_that_leads_nowhere_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    (attempt,) = post("https://hooks.example/")
    assert attempt.error
    assert attempt.error.startswith("ConnectError: ")
    assert "no such name" in attempt.error


def test_http_is_not_sent_to_even_if_it_was_registered() -> None:
    async def scenario() -> None:
        async with receiving() as receiver:
            (attempt,) = await post_from(receiver.url)
            assert attempt.error == "deliveries are sent over https only"
            assert receiver.connections == 0

    asyncio.run(scenario())


def test_a_name_of_this_machine_is_never_connected_to(
    lattice_with: Callable[..., Lattice], names: Callable[..., Names]
) -> None:
    lattice = lattice_with(webhooks_allow_private=False, webhook_pauses_s=())
    token = lattice.register().access_token
    names([PRIVATE])

    async def scenario() -> None:
        async with receiving() as receiver:
            url = f"https://hooks.example:{receiver.port}/"
            path = (await register_webhook(lattice, token, url))["path"]
            await send_test(lattice, token, path)
            (delivery,) = await deliveries_when(lattice, token, path, "failed")
            words = "ConnectError: hooks.example leads to an address that is not public"
            assert delivery["error"] == words
            assert receiver.connections == 0

    lattice.do(scenario())


def test_redirects_are_not_followed() -> None:
    async def scenario() -> None:
        async with receiving(307, 204) as receiver:
            (attempt,) = await post_from(receiver.url, webhooks_allow_private=True)
            assert attempt == Attempt(307, "the receiver answered 307")
            assert receiver.connections == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("flood", [EARLY_HINTS, HEADER])
def test_an_answer_is_read_up_to_its_cap(flood: int) -> None:
    async def scenario() -> None:
        async with receiving(flood) as receiver:
            (attempt,) = await post_from(receiver.url, **PATIENTLY)
            assert attempt.error == "ReadError: the reply has more than 65536 bytes"

    asyncio.run(scenario())


def test_a_body_without_end_is_not_read() -> None:
    async def scenario() -> None:
        async with receiving(BODY) as receiver:
            (attempt,) = await post_from(receiver.url, **PATIENTLY)
            assert attempt == Attempt(200, None)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("host", "error"), [("localhost", None), ("hooks.example", "certificate verify failed")]
)
def test_the_certificate_is_that_of_the_name(
    names: Callable[..., Names],
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    error: str | None,
) -> None:
    names([PRIVATE])
    trust = ssl.create_default_context(cafile=certificates.ca_file)
    monkeypatch.setattr(httpx2, "create_ssl_context", lambda **_: trust)

    async def scenario() -> None:
        async with receiving(tls=certificates.good().context()) as receiver:
            url = f"https://{host}:{receiver.port}/"
            (attempt,) = await post_from(url, webhooks_allow_private=True)
            assert attempt.error is error or (error or "") in (attempt.error or "")
            assert len(receiver.requests) == (error is None)

    asyncio.run(scenario())
