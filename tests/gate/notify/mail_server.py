"""A mail server on loopback that keeps what it takes."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from smokegate.fault_proxy.loop_thread import LoopThread

USER, PASSWORD = "smokegate", "Gehe1mnis/@Gehe1mnis"


@dataclass
class MailServer:
    """What it took, and what it answers to the end of a message or to a receiver, if not 250."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    receivers: list[list[str]] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)
    answer: str = "250 taken"
    refused: dict[str, str] = field(default_factory=dict)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.answer.startswith("2"):
            content = cast(bytes, envelope.original_content)
            self.messages.append(message_from_bytes(content, policy=policy.default))
            self.receivers.append(list(envelope.rcpt_tos))
            tls = server.transport and server.transport.get_extra_info("ssl_object")
            self.was_encrypted.append(tls is not None)
        return self.answer


@contextmanager
def mail_server(
    tls: ssl.SSLContext | None = None,
    *,
    wants_login: bool = False,
    begins_with_tls: bool = False,
    port: int = 0,
) -> Iterator[MailServer]:
    """Run one that offers STARTTLS if it has a context, and takes nothing without a login if so."""
    there = MailServer()
    at_once = tls if begins_with_tls else None

    def authenticate(*given: Any) -> AuthResult:
        login = given[-1]
        known = LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=login == known, handled=False)

    def conversation() -> SMTP:
        return SMTP(
            there,
            hostname="localhost",
            tls_context=None if at_once else tls,
            # It knows only of the TLS that begins later, and wants none without it.
            auth_required=wants_login and at_once is None,
            auth_require_tls=at_once is None,
            authenticator=authenticate,
        )

    with LoopThread() as loop, loop.serving(_listening(conversation, port, at_once)) as server:
        there.port = server.getsockname()[1]
        yield there


@asynccontextmanager
async def _listening(
    conversation: Callable[[], SMTP], port: int, tls: ssl.SSLContext | None
) -> AsyncIterator[socket.socket]:
    """Accept by itself: who serves has to know its connections, to end them with it."""
    transports: list[asyncio.BaseTransport] = []
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.setblocking(False)
        accepting = asyncio.create_task(_accept(listener, conversation, tls, transports))
        try:
            yield listener
        finally:
            accepting.cancel()
            await asyncio.wait({accepting})
            for transport in transports:
                cast(asyncio.Transport, transport).abort()


async def _accept(
    listener: socket.socket,
    conversation: Callable[[], SMTP],
    tls: ssl.SSLContext | None,
    transports: list[asyncio.BaseTransport],
) -> None:
    loop = asyncio.get_running_loop()

    async def take(connection: socket.socket) -> None:
        # Who does not trust its certificate leaves.
        with suppress(OSError):
            transport, _ = await loop.connect_accepted_socket(conversation, connection, ssl=tls)
            transports.append(transport)

    async with asyncio.TaskGroup() as group:
        while True:
            connection, _ = await loop.sock_accept(listener)
            group.create_task(take(connection))
