"""Requests through the real transport, as tests of it make them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from smokegate.client.curl import CurlTransport
from smokegate.client.transport import Answer, Headers, Request


class Curl:
    """A transport, and one line to send with it."""

    def __init__(self, transport: CurlTransport, url: str) -> None:
        self.transport = transport
        self.url = url

    async def send(
        self,
        method: str = "GET",
        path: str = "/things",
        *,
        headers: Headers | None = None,
        body: bytes | None = None,
        timeout_s: float = 10.0,
        fresh: bool = False,
        tls_max: str = "",
    ) -> Answer:
        return await self.transport.send(
            Request(
                method=method,
                url=self.url + path,
                headers=headers or [],
                body=body,
                timeout_s=timeout_s,
                fresh=fresh,
                replayable=method in ("GET", "HEAD"),
                tls_max=tls_max,
            )
        )


@asynccontextmanager
async def curl(
    url: str,
    *,
    ca_file: Path | None = None,
    proxy: str = "",
    max_reply_bytes: int = 1_000_000,
    max_connections: int = 64,
) -> AsyncIterator[Curl]:
    """Open a transport to a server."""
    transport = CurlTransport(
        ca_file=str(ca_file or ""),
        proxy=proxy,
        max_reply_bytes=max_reply_bytes,
        max_connections=max_connections,
    )
    try:
        yield Curl(transport, url)
    finally:
        await transport.close()
