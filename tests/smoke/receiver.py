"""A place for webhooks to be delivered to, and the Standard Webhooks rules to verify them by."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

NOWHERE = "https://smoke.invalid/webhook"  # a name that never exists (RFC 6761)
TOLERANCE_S = 300
MOST_BYTES = 1_048_576


class Receiver:
    """Keeps what is delivered to its URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._deliveries: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one delivery, an HTTP/1.1 request, and answer 204."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = (line.partition(":") for line in head.split("\r\n")[1:])
            headers = {name.lower(): value.strip() for name, _, value in lines if name}
            length = min(int(headers.get("content-length", 0)), MOST_BYTES)
            self._deliveries.put_nowait((headers, await reader.readexactly(length)))
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            pass  # somebody else came by
        finally:
            writer.close()

    async def flaw(self, secret: str, delivery_id: str, event: str, *, within_s: float) -> str:
        """Wait for a delivery and say what is wrong with it; nothing if it is this, and signed."""
        try:
            headers, body = await asyncio.wait_for(self._deliveries.get(), within_s)
        except TimeoutError:
            return f"nothing came to {self.url} within {within_s:g} s"
        return signature_flaw(secret, headers, body) or _other(delivery_id, event, headers, body)


def signature_flaw(secret: str, headers: dict[str, str], body: bytes) -> str:
    """Verify by the Standard Webhooks rules 1.0: id, time and body signed with the secret."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    if missing := [name for name in names if not headers.get(name)]:
        return f"there is no header {missing[0]}"
    delivery_id, sent_at, signatures = (headers[name] for name in names)
    if not sent_at.isdecimal() or abs(int(sent_at) - time.time()) > TOLERANCE_S:
        return f"webhook-timestamp is {sent_at}"
    key = b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{delivery_id}.{sent_at}.".encode() + body, "sha256")
    wanted = "v1," + b64encode(digest).decode()
    is_signed = any(hmac.compare_digest(wanted, signature) for signature in signatures.split())
    return "" if is_signed else "no signature fits secret, id, time and body"


def _other(delivery_id: str, event: str, headers: dict[str, str], body: bytes) -> str:
    """Say how a delivery is another than the one that was asked for."""
    try:
        told = json.loads(body)["type"]
    except (ValueError, TypeError, KeyError, RecursionError):
        told = "none"
    found = headers["webhook-id"], told
    return "" if found == (delivery_id, event) else f"it is {found[0]} with the event {told!r}"


@asynccontextmanager
async def receiving(address: str) -> AsyncIterator[Receiver]:
    """Listen at "host" or "host:port", where the target reaches this machine; "" is nowhere."""
    if not address:
        yield Receiver(NOWHERE)
        return
    parts = urlsplit(f"//{address}")
    receiver = Receiver("")
    async with await asyncio.start_server(receiver.take, parts.hostname, parts.port or 0) as server:
        host, port = parts.netloc.removesuffix(f":{parts.port}"), server.sockets[0].getsockname()[1]
        receiver.url = f"http://{host}:{port}/"
        yield receiver
