"""What all clients of one run share."""

from __future__ import annotations

import asyncio
import re
from typing import Protocol

import msgspec

from smokegate.client.redaction import Redactor, is_secret_header
from smokegate.client.transport import Answer, Headers, Transport
from smokegate.settings import Settings

_HINT_OF_SECRETS = re.compile(rb"passw|secret|token|key|credential", re.IGNORECASE)


class Creations(Protocol):
    """Where a request that creates something says so before it is sent."""

    async def intend(self, kind: str, name: str, owner: str) -> int:
        """Write down what is about to be created; returns when that is safe on disk.

        Raises `JournalError` if it could not be written: the request must not be sent then.
        """
        ...

    def settle(self, entry: int, made: bool | None) -> None:
        """Say whether it was made; None when only the target knows."""
        ...


class Session:
    """The transport, the secrets and the clock of one run.

    `started` is the event loop's time at which the run began; every offset counts from it.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        transport: Transport,
        creations: Creations,
        run_id: str,
        user_agent: str,
        started: float,
    ) -> None:
        self.settings = settings
        self.transport = transport
        self.creations = creations
        self.run_id = run_id
        self.user_agent = user_agent
        self.started = started
        self.redactor = Redactor()
        self.redactor.add(settings.test_password)
        self.was_let_in = False
        self.versions: dict[str, int] = {}
        self.creating: set[asyncio.Task[Answer]] = set()

    async def late_creations(self, limit_s: float) -> None:
        """Wait for creating requests whose sender has gone: the answer says what is there."""
        if self.creating:
            await asyncio.wait(self.creating, timeout=limit_s)

    def learn_secrets(self, headers: Headers, body: bytes) -> None:
        """Learn the secrets that a reply brings, so that none is stored or shown."""
        for name, value in headers:
            if is_secret_header(name):
                for part in re.split(r"[;,\s=]+", value):
                    self.redactor.add(part if len(part) > 15 else "")  # noqa: PLR2004 - not "Path"
        if body and _HINT_OF_SECRETS.search(body):
            try:
                self.redactor.learn(msgspec.json.decode(body))
            except (msgspec.DecodeError, RecursionError, ValueError):
                return  # not JSON: nothing in it has a name
