"""Two services over one PostgreSQL, one of them killed in the middle of its deliveries."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest
from smokegate.fault_proxy.certificates import Certificates

from tests.lattice.databases import PostgresDatabase
from tests.lattice.in_process import PASSWORD
from tests.lattice.webhooks.receiver import HOLDING, Receiver, receiving
from tests.system.lattice_process import UNHURRIED, LatticeProcess

# Of each service: more than it sends at once.
EVENTS = 20
SENDERS = {"Lattice-Webhooks/first", "Lattice-Webhooks/second"}
# Nothing is judged by it.
ENDED_WITHIN_S = 120.0


@pytest.fixture
def services(
    certificates: Certificates, postgres_database: PostgresDatabase, tmp_path: Path
) -> Iterator[tuple[LatticeProcess, LatticeProcess]]:
    """Two services that say in each delivery which of them has sent it."""
    postgres_database.empty()
    settings = UNHURRIED | {
        "LATTICE_DATABASE_URL": postgres_database.url,
        "LATTICE_WEBHOOK_TIMEOUT_S": "2",
        "LATTICE_VERSION": "first",
    }
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    first = LatticeProcess(folders[0], certificates.good(), certificates.ca_file, settings)
    second = first.replica(folders[1], {"LATTICE_VERSION": "second"})
    with ExitStack() as running:
        yield running.enter_context(first), running.enter_context(second)


def test_every_event_arrives_though_a_service_is_killed(
    services: tuple[LatticeProcess, LatticeProcess],
) -> None:
    first, second = services

    async def scenario() -> None:
        async with (
            receiving(HOLDING) as receiver,
            _client(first) as one,
            _client(second) as other,
            asyncio.timeout(ENDED_WITHIN_S),
        ):
            path = await _register(one, receiver.url)
            other.headers["Authorization"] = one.headers["Authorization"]
            await _cause_events(one)
            await _cause_events(other)
            await receiver.wait_until(lambda: _senders(receiver) == SENDERS, ENDED_WITHIN_S)
            cut_off = _under_way(receiver, "Lattice-Webhooks/first")
            assert cut_off
            first.kill()
            await receiver.wait_until(
                lambda: not cut_off & set(+receiver.under_way), ENDED_WITHIN_S
            )
            assert not cut_off & set(receiver.answered)
            receiver.released.set()
            listed = await _deliveries_when_all_are_delivered(other, path)
            assert len(listed) == 2 * EVENTS
            assert set(receiver.answered) == listed
            assert receiver.doubled == []

    asyncio.run(scenario())


def _client(service: LatticeProcess) -> httpx2.AsyncClient:
    trust = ssl.create_default_context(cafile=service.ca_file)
    return httpx2.AsyncClient(base_url=service.url, verify=trust, timeout=ENDED_WITHIN_S)


async def _register(client: httpx2.AsyncClient, url: str) -> str:
    """Register a tenant, for which the client acts then, and a webhook: return its path."""
    asked = {"email": "ada@example.com", "password": PASSWORD, "tenant_name": "ada's"}
    account = await client.post("/api/auth/register", json=asked)
    client.headers["Authorization"] = f"Bearer {account.json()['access_token']}"
    hook = {"url": url, "events": ["lattice.created"]}
    return (await client.post("/api/webhooks", json=hook)).headers["Location"]


async def _cause_events(client: httpx2.AsyncClient) -> None:
    lattices = [{"name": str(number), "dimensions": [2]} for number in range(EVENTS)]
    made = await client.post("/api/lattices/bulk", json={"lattices": lattices})
    assert made.status_code == 201, made.text


async def _deliveries_when_all_are_delivered(client: httpx2.AsyncClient, path: str) -> set[str]:
    while True:
        reply = await client.get(f"{path}/deliveries?limit=100")
        items = reply.json()["items"]
        if all(item["status"] == "delivered" for item in items):
            return {item["id"] for item in items}
        # A session may ask 80 times a minute.
        await asyncio.sleep(1)


def _senders(receiver: Receiver) -> set[str]:
    return {headers["user-agent"] for _, headers, _ in receiver.requests}


def _under_way(receiver: Receiver, sender: str) -> set[str]:
    ids = {
        headers["webhook-id"]
        for _, headers, _ in receiver.requests
        if headers["user-agent"] == sender
    }
    return ids & set(+receiver.under_way)
