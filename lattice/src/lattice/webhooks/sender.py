"""Sending deliveries, signed: a receiver tells repeats by `webhook-id`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from lattice import sender
from lattice.database import Database, now
from lattice.settings import Settings
from lattice.webhooks.outbox import Attempt, Due, Outbox
from lattice.webhooks.signing import sign

if TYPE_CHECKING:
    from lattice.webhooks.posting import Poster

AT_ONCE = 16


class Sender(sender.Sender[Due, Attempt, "Poster"]):
    """Posts deliveries, each done when its receiver has answered 2xx."""

    def __init__(self, database: Database, wakening: asyncio.Event, settings: Settings) -> None:
        super().__init__(Outbox(database, settings), wakening, AT_ONCE)
        self._settings = settings

    @asynccontextmanager
    async def _open(self) -> AsyncIterator["Poster"]:
        async with await asyncio.to_thread(_make_poster, self._settings) as poster:
            yield poster

    async def _send(self, channel: "Poster", item: Due) -> Attempt:
        headers = sign(item.secrets, item.id, now(), item.body)
        headers["Content-Type"] = "application/json"
        return await channel.post(item.url, headers, item.body.encode())


def _make_poster(settings: Settings) -> "Poster":
    from lattice.webhooks.posting import Poster

    return Poster(settings)
