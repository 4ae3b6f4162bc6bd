"""A client for a test, with the evidence it keeps and the creations it announces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from smokegate.client import Client, Evidence, Session
from smokegate.client.curl import CurlTransport
from smokegate.client.transport import Transport
from smokegate.results import Consequence
from smokegate.settings import Settings

RUN_ID = "20260101-000000-abcdef"
TARGET = "https://api.example.com"


class Announced:
    """Creations that are remembered instead of written down."""

    def __init__(self) -> None:
        self.intended: list[tuple[str, str, str]] = []
        self.settled: dict[int, bool | None] = {}

    async def intend(self, kind: str, name: str, owner: str) -> int:
        self.intended.append((kind, name, owner))
        return len(self.intended) - 1

    def settle(self, entry: int, made: bool | None) -> None:
        self.settled[entry] = made


class Bound:
    """A client with what is behind it."""

    def __init__(self, client: Client, creations: Announced) -> None:
        self.client = client
        self.session = client.session
        self.evidence = client.evidence
        self.creations = creations


def bound(
    transport: Transport,
    *,
    url: str = TARGET,
    deadline_s: float = 60.0,
    consequence: Consequence = Consequence.ROLLBACK,
    fresh: bool = False,
    **settings: Any,
) -> Bound:
    """Bind a client to a transport; needs a running loop."""
    creations, now = Announced(), asyncio.get_running_loop().time()
    session = Session(
        settings=Settings(url=url, url_given=True, **settings),
        transport=transport,
        creations=creations,
        run_id=RUN_ID,
        user_agent="smokegate/test",
        started=now,
    )
    evidence = Evidence("health.test_it#1", consequence, now + deadline_s, session.redactor.text)
    return Bound(Client(session, evidence, fresh=fresh), creations)


@asynccontextmanager
async def over_curl(
    url: str, *, ca_file: Path | None = None, **settings: Any
) -> AsyncIterator[Bound]:
    """Bind a client to a server through the real transport."""
    known = Settings(url=url, **settings)
    transport = CurlTransport(
        ca_file=str(ca_file or ""),
        max_reply_bytes=known.max_reply_bytes,
        max_connections=known.max_connections,
    )
    try:
        yield bound(transport, url=url, **settings)
    finally:
        await transport.close()
