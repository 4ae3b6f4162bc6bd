"""Connections to receivers, whoever has chosen them: to public addresses, and bounded.

A name is resolved once, every address it leads to is checked, and the connection is made to one of
those: a name that leads elsewhere a moment later is not asked again.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from httpcore2 import (
    SOCKET_OPTION,
    AnyIOBackend,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    ConnectError,
    ConnectTimeout,
    ReadError,
)

from lattice.webhooks.receivers import is_public

# Of one connection, which serves one delivery: more than any head of a reply.
REPLY_BYTES_MAX = 65_536


class CheckedConnections(AsyncNetworkBackend):
    """Connects where deliveries may go; anything else is a `ConnectError`."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._backend: AsyncNetworkBackend = AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as its base says
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Connect to the first address of the host that can be connected to."""
        addresses = await self._resolve(host, port)
        # One that swallows everything leaves time for the next.
        each_s = None if timeout is None else timeout / len(addresses)
        failure: Exception | None = None
        for address in addresses:
            try:
                stream = await self._backend.connect_tcp(
                    address, port, each_s, local_address, socket_options
                )
                return CappedStream(stream, REPLY_BYTES_MAX)
            except (ConnectError, ConnectTimeout) as error:
                failure = error
        raise failure or ConnectError(f"{host} has no address")

    async def _resolve(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ConnectError(str(error)) from error
        addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        if not self._allow_private and not all(map(_is_public, addresses)):
            # Which one is not told: that would be a map of the network of this service.
            raise ConnectError(f"{host} leads to an address that is not public")
        return addresses


def _is_public(address: str) -> bool:
    return is_public(ip_address(address))


class CappedStream(AsyncNetworkStream):
    """A connection that reads so many bytes and no more: then it is a `ReadError`."""

    def __init__(self, stream: AsyncNetworkStream, bytes_max: int) -> None:
        self._stream = stream
        self._bytes_max = bytes_max
        self._left_bytes = bytes_max

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """Read what is there."""
        if self._left_bytes == 0:
            raise ReadError(f"the reply has more than {self._bytes_max} bytes")
        data = await self._stream.read(min(max_bytes, self._left_bytes), timeout)
        self._left_bytes -= len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Write all of it."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close it."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> AsyncNetworkStream:
        """Go on encrypted; what is decrypted counts."""
        encrypted = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return CappedStream(encrypted, self._bytes_max)

    def get_extra_info(self, info: str) -> Any:
        """Say what the connection knows."""
        return self._stream.get_extra_info(info)
