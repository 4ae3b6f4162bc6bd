"""What all clients of one run share."""

from __future__ import annotations

import asyncio
import re
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from smokegate.client.redaction import Redactor, is_secret_header
from smokegate.client.transport import Answer, Headers, Transport
from smokegate.settings import Settings

_SHORTEST_IN_HEADER = 12  # shorter parts are words such as Bearer
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
        self._learn_settings()
        self.was_let_in = False
        self.versions: dict[str, int] = {}
        self.creating: set[asyncio.Task[Answer]] = set()

    async def late_creations(self, limit_s: float) -> None:
        """Wait for creating requests whose sender has gone: the answer says what is there."""
        if self.creating:
            await asyncio.wait(self.creating, timeout=limit_s)

    def learn_secrets(self, headers: Headers, body: bytes, *, sent: bool = False) -> None:
        """Learn the secrets in a request or a reply, so that none is stored or shown."""
        for name, value in headers:
            if is_secret_header(name):
                for part in _secret_parts(name, value):
                    self.redactor.add(part)
        if body and _HINT_OF_SECRETS.search(body):
            try:
                self.redactor.learn(msgspec.json.decode(body), sent=sent)
            except (msgspec.DecodeError, RecursionError, ValueError):
                return  # not JSON: nothing in it has a name

    def _learn_settings(self) -> None:
        self.redactor.add(self.settings.test_password)
        self.redactor.add(urlsplit(self.settings.proxy).password or "")
        for key, sourced in self.settings.extra.items():
            self.redactor.learn({key: sourced.value}, sent=True)


def _secret_parts(name: str, value: str) -> list[str]:
    """What is secret in a header: the value of a cookie, the credentials after their scheme."""
    if name.lower() == "set-cookie":
        value = value.partition(";")[0]
    parts = re.split(r"[;,\s]+|(?<=\w)=(?!=*$)", value)
    return [part for part in parts if len(part) >= _SHORTEST_IN_HEADER]
