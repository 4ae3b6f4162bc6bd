"""A mail server on loopback that keeps what it takes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
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
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.answer.startswith("2"):
            content = cast(bytes, envelope.original_content)
            self.messages.append(message_from_bytes(content, policy=policy.default))
            self.receivers.append(list(envelope.rcpt_tos))
            self.was_encrypted.append(session.ssl is not None)
        return self.answer


@contextmanager
def mail_server(
    tls: ssl.SSLContext | None = None, *, wants_login: bool = False
) -> Iterator[MailServer]:
    """Run one that offers STARTTLS if it has a context, and takes nothing without a login if so."""
    there = MailServer()

    def authenticate(*given: Any) -> AuthResult:
        login = given[-1]
        known = LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=login == known, handled=False)

    def conversation() -> SMTP:
        return SMTP(
            there,
            hostname="localhost",
            tls_context=tls,
            auth_required=wants_login,
            authenticator=authenticate,
        )

    with LoopThread() as loop, loop.serving(_listening(conversation)) as server:
        there.port = server.sockets[0].getsockname()[1]
        yield there


@asynccontextmanager
async def _listening(conversation: Callable[[], SMTP]) -> AsyncIterator[asyncio.Server]:
    loop = asyncio.get_running_loop()
    async with await loop.create_server(conversation, "127.0.0.1", 0) as server:
        yield server
