"""Handing mails to a mail server, by SMTP (RFC 5321).

`smtps://` is TLS from the beginning. `smtp://` demands STARTTLS; in development it is used where
the server offers it. A certificate has to be good in any case.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import cast
from urllib.parse import SplitResult, unquote, urlsplit

import structlog
from aiosmtplib import SMTP, SMTPDataError, SMTPNotSupported, SMTPRecipientsRefused
from pydantic import SecretStr

from lattice.accounts.mailing import SENT_WITHIN_S, Outcome

PORTS = {"smtp": 587, "smtps": 465}
PERMANENT = 500  # RFC 5321, 4.2.1: 5yz
# Where what is wrong is whom it is for, not the server or what is set.
OF_THE_ADDRESS = (SMTPRecipientsRefused, SMTPDataError, SMTPNotSupported)


class Post:
    """One mail server."""

    def __init__(self, url: SecretStr, *, demands_tls: bool) -> None:
        self._url = url
        self._demands_tls = demands_tls
        self._trust = ssl.create_default_context()
        self._log = structlog.get_logger("lattice")

    async def send(self, message: EmailMessage, to: str) -> Outcome:
        """Hand a mail over, and say what came of it; it has gone when the server has taken it."""
        is_taken = False
        try:
            async with asyncio.timeout(SENT_WITHIN_S), self._connected() as client:
                # To nobody else, whatever the header is read as.
                await client.send_message(message, recipients=[to])
                is_taken = True
                await client.quit()
        # Whatever a server can cause is no trouble of who registers.
        except Exception as error:
            return Outcome.SENT if is_taken else self._judge(error)
        return Outcome.SENT

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[SMTP]:
        parts = urlsplit(self._url.get_secret_value())
        client = SMTP(
            hostname=parts.hostname,
            port=parts.port or PORTS[parts.scheme],
            use_tls=parts.scheme == "smtps",
            start_tls=self._starts_tls(parts),
            tls_context=self._trust,
            timeout=SENT_WITHIN_S,
        )
        await client.connect()
        transport = cast(asyncio.Transport, client.transport)
        try:
            if parts.username:
                await client.login(unquote(parts.username), unquote(parts.password or ""))
            yield client
        finally:
            client.close()
            # At once: a server may let the end of TLS wait.
            transport.abort()

    def _starts_tls(self, parts: SplitResult) -> bool | None:
        """Say whether TLS begins after the greeting; None where the server offers it."""
        if parts.scheme == "smtps":
            return False
        return True if self._demands_tls else None

    def _judge(self, error: Exception) -> Outcome:
        code = _code(error)
        is_refused = isinstance(error, OF_THE_ADDRESS) and (code is None or code >= PERMANENT)
        # Not in the server's words: they may name who was to get it.
        self._log.warning(
            "a mail was not taken", error=type(error).__name__, code=code, is_refused=is_refused
        )
        return Outcome.REFUSED if is_refused else Outcome.LATER


def _code(error: Exception) -> int | None:
    if isinstance(error, SMTPRecipientsRefused):
        return error.recipients[0].code
    code = getattr(error, "code", None)
    return code if isinstance(code, int) else None
