"""E-mail (RFC 5322) by SMTP (RFC 5321), with nothing but the standard library.

`smtps://` is TLS from the beginning. `smtp://` with a login demands STARTTLS and a certificate that
is good; without a login, as relays of one's own have it, it is encrypted where that is offered.
"""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from urllib.parse import unquote, urlsplit

from smokegate.notify.channel import Again, Outcome, cut
from smokegate.notify.notice import Kind, Notice
from smokegate.notify.words import facts, headline
from smokegate.reports.escaping import one_line
from smokegate.settings import Settings

_PORTS = {"smtp": 587, "smtps": 465}
_SUBJECT = 200
_MOST_CHARS = 10_000
_PERMANENT = 500  # RFC 5321, 4.2.1: 5yz
_CHECK_LOGIN = "compare the user and the password in alert_smtp with those of the mail server"
_CHECK_SERVER = "compare the host and the port in alert_smtp with those of the mail server"
_CHECK_TLS = "let the certificate be for that host; an authority of your own goes to SSL_CERT_FILE"
_CHECK_ADDRESSES = "ask whoever runs the mail server about alert_email_from and alert_email"


class Mail:
    """Some addresses, behind one mail server."""

    def __init__(self, settings: Settings) -> None:
        self._server = settings.alert_smtp
        self._sender = settings.alert_email_from
        self._receivers = settings.alert_email

    async def send(self, notice: Notice, limit_s: float) -> Outcome:
        """Hand a message over; a server that does not let go is left when the time is up."""
        handover = _Handover(self._server, limit_s)
        message = letter(notice, self._sender, self._receivers)
        try:
            return await asyncio.wait_for(_in_thread(lambda: handover.outcome(message)), limit_s)
        except TimeoutError:
            handover.give_up()
            return _failed("timeout", is_uncertain=handover.is_told, next_step=_CHECK_SERVER)


class _Handover:
    """One conversation with a mail server."""

    def __init__(self, url: str, limit_s: float) -> None:
        parts = urlsplit(url)
        self._scheme = parts.scheme
        self._host, self._port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._limit_s = limit_s
        self._smtp: smtplib.SMTP | None = None
        self.is_told = False  # the message was begun, so it may be there

    def outcome(self, message: EmailMessage) -> Outcome:
        """Hand a message over, and say what came of it."""
        try:
            refused = self._hand_over(message)
        except (OSError, ValueError) as error:  # smtplib's are of OSError
            return _of_error(error, is_told=self.is_told)
        left_out = f"not taken for {', '.join(refused)}" if refused else ""
        return Outcome(arrived=True, why=left_out, next_step=_CHECK_ADDRESSES if refused else "")

    def give_up(self) -> None:
        """End the conversation from another thread."""
        there = self._smtp.sock if self._smtp else None
        if there is not None:
            with suppress(OSError):  # it has ended by itself
                there.shutdown(socket.SHUT_RDWR)

    def _hand_over(self, message: EmailMessage) -> dict[str, tuple[int, bytes]]:
        with self._connected() as smtp:
            self._smtp = smtp
            if self._scheme == "smtp":
                self._encrypt(smtp)
            if self._user:
                smtp.login(self._user, self._password)
            self.is_told = True
            return smtp.send_message(message)

    def _connected(self) -> smtplib.SMTP:
        if self._scheme == "smtps":
            return smtplib.SMTP_SSL(
                self._host,
                self._port,
                timeout=self._limit_s,
                context=ssl.create_default_context(),
            )
        return smtplib.SMTP(self._host, self._port, timeout=self._limit_s)

    def _encrypt(self, smtp: smtplib.SMTP) -> None:
        smtp.ehlo()
        if self._user:
            smtp.starttls(context=ssl.create_default_context())
        elif smtp.has_extn("starttls"):
            # As mail servers do among each other (RFC 7435): better than in the clear.
            unchecked = ssl.create_default_context()
            unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
            smtp.starttls(context=unchecked)


def letter(notice: Notice, sender: str, receivers: tuple[str, ...]) -> EmailMessage:
    """A notice as a message; those of one incident are one conversation for a reader of mail."""
    message = EmailMessage(policy=SMTP)
    domain = sender.rpartition("@")[2]
    first = f"<{notice.incident.replace(':', '')}@{domain}>"
    message["From"], message["To"] = sender, ", ".join(receivers)
    message["Subject"] = cut(f"[smokegate] {headline(notice)}", _SUBJECT)
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = f"<{notice.id}@{domain}>"
    message["References"] = message["In-Reply-To"] = first
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
    message.set_content("\n".join(_lines(notice)) + "\n")
    return message


def _lines(notice: Notice) -> list[str]:
    lines = [headline(notice), notice.to_do]
    if notice.causes:
        lines += ["", *(f"- {each}" for each in notice.causes)]
    if notice.change:
        lines += ["", notice.change]
    lines += ["", *(f"{label:<12} {value}" for label, value in facts(notice))]
    if notice.kind is not Kind.TEST:
        lines += [f"{link.text}: {link.url}" for link in notice.links]
    return lines


async def _in_thread(work: Callable[[], Outcome]) -> Outcome:
    """Do something that blocks, in a thread that keeps no process from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Outcome] = loop.create_future()

    def told(outcome: Outcome) -> None:
        if not done.done():
            done.set_result(outcome)

    def run() -> None:
        outcome = work()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(told, outcome)

    threading.Thread(target=run, name="mail", daemon=True).start()
    return await done


def _of_error(error: OSError | ValueError, *, is_told: bool) -> Outcome:
    """What came of a conversation that did not go to its end."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _failed(_said(error), again=Again.LATER, next_step=_CHECK_LOGIN)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        error = smtplib.SMTPResponseException(*next(iter(error.recipients.values())))
    if isinstance(error, smtplib.SMTPResponseException):
        again = Again.NEVER if error.smtp_code >= _PERMANENT else Again.LATER
        return _failed(_said(error), again=again, next_step=_CHECK_ADDRESSES)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return _failed(f"{error}", again=Again.LATER, next_step=_CHECK_LOGIN)
    if isinstance(error, ssl.SSLError):
        return _failed(f"TLS: {error.reason or error}", again=Again.LATER, next_step=_CHECK_TLS)
    why = error.strerror if isinstance(error, OSError) else ""
    said = why or f"{error}" or type(error).__name__
    return _failed(said, is_uncertain=is_told, next_step=_CHECK_SERVER)


def _failed(
    why: str, *, again: Again = Again.SOON, is_uncertain: bool = False, next_step: str
) -> Outcome:
    said = one_line(why, _MOST_CHARS)
    return Outcome(False, said, again, is_uncertain=is_uncertain, next_step=next_step)


def _said(error: smtplib.SMTPResponseException) -> str:
    words = error.smtp_error
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"{error.smtp_code} {text}"
