"""The mails that registrations cause.

Nothing in them is of who registered but the address: a mail of ours carries nobody else's words.
"""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTPUTF8
from email.utils import format_datetime

from lattice.database import now
from lattice.mail_addresses import validated
from lattice.settings import Settings

GOOD_FOR_H = 24
SENDER = "Lattice"
FREE = f"""\
Somebody has registered this address at Lattice.

If that was you, confirm it within {GOOD_FOR_H} hours, with the password that you have chosen:

{{where}}

If it was not you, do nothing: without this there is no account.
"""
TAKEN = """\
Somebody has registered this address at Lattice, where it has an account already.

If that was you, log in with the password of that account: it is as it was.

If it was not you, there is nothing to do.
"""


def letter(to: str, registration_id: str, token: str | None, settings: Settings) -> EmailMessage:
    """Return the mail to an address: with the token, or without one if it has an account."""
    message = EmailMessage(policy=SMTPUTF8)
    sender = settings.mail_from or ""
    message["From"] = Address(SENDER, addr_spec=sender)
    message["To"] = to
    message["Date"] = format_datetime(now())
    # The same at each attempt: what arrives twice is seen to be one.
    message["Message-ID"] = f"<{registration_id}@{sender.rpartition('@')[2]}>"
    # Nobody's absence answers it (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    if token is None:
        message["Subject"] = "You have an account at Lattice already"
        message.set_content(TAKEN)
    else:
        message["Subject"] = "Confirm your registration at Lattice"
        message.set_content(FREE.format(where=_where(token, settings.confirm_url)))
    return message


def mailable(email: str) -> str:
    """Return the address as every mail server takes it, if it can be written so."""
    checked = validated(email)
    return checked.ascii_email or checked.normalized


def _where(token: str, confirm_url: str | None) -> str:
    if confirm_url is None:
        return f"POST /api/auth/confirm, with this token:\n{token}"
    # Behind a # it is sent to no server, so it is in no log.
    return f"{confirm_url}#{token}"
