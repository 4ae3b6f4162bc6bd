"""Posting to receivers: one connection each, nothing followed, no more than the head read."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Self

import httpx2
from httpcore2 import URL, AsyncConnectionPool, TimeoutException

from lattice.settings import Settings
from lattice.webhooks.connections import CheckedConnections
from lattice.webhooks.outbox import Attempt
from lattice.webhooks.receivers import find_objection

ERROR_CHARACTERS_MAX = 500


class Poster:
    """Posts deliveries while the block lasts."""

    def __init__(self, settings: Settings) -> None:
        self._allow_private = settings.allows_private_receivers
        self._timeout_s = settings.webhook_timeout_s
        self._user_agent = f"Lattice-Webhooks/{settings.version}"
        self._pool = AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False),
            network_backend=CheckedConnections(allow_private=self._allow_private),
            max_connections=None,
            max_keepalive_connections=0,
        )

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._pool.__aexit__(kind, error, traceback)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """Post once, and say what came of it."""
        # It may have been registered when more was allowed.
        if not self._allow_private and (objection := find_objection(url)):
            return Attempt(None, objection)
        try:
            async with asyncio.timeout(self._timeout_s):
                status = await self._exchange(httpx2.URL(url), headers, body)
        except (TimeoutError, TimeoutException):
            return Attempt(None, f"no answer within {self._timeout_s:g} s")
        # Whatever else a receiver can cause is its trouble and is told to its owner.
        except Exception as error:
            words = f"{type(error).__name__}: {error}"
            return Attempt(None, words[:ERROR_CHARACTERS_MAX])
        is_delivered = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        return Attempt(status, None if is_delivered else f"the receiver answered {status}")

    async def _exchange(self, url: httpx2.URL, headers: Mapping[str, str], body: bytes) -> int:
        where = URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        own = {"Host": url.netloc.decode(), "User-Agent": self._user_agent}
        exchange = self._pool.stream(
            "POST",
            where,
            headers=[*own.items(), *headers.items()],
            content=body,
            # The addresses of a host share it; all else is bounded by the caller.
            extensions={"timeout": {"connect": self._timeout_s}},
        )
        async with exchange as reply:
            return int(reply.status)
