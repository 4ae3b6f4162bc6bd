"""The seam to those who are told: a notice in, and what came of it out."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple, Protocol

from smokegate.client.reply import asked_wait_s
from smokegate.client.transport import Answer, Headers
from smokegate.notify.notice import Notice
from smokegate.posting import why_not

_TIMEOUT, _TOO_MANY, _SERVER_ERROR = 408, 429, 500
# What was sent is refused, or nothing more is wanted: it would be refused again.
_FINAL = frozenset({400, 410, 413, 422})
_BUSY = "try again; it is busy, or broken on its side"
_UNREACHED = "see from this machine whether that host answers (proxy, SSL_CERT_FILE)"


class Again(Enum):
    """When it makes sense to send once more what did not arrive."""

    SOON = "soon"  # within the same run
    LATER = "later"  # by a later run: somebody has to change something
    NEVER = "never"


class Outcome(NamedTuple):
    """What came of sending; `why` is one line, of any length and with secrets that were repeated.

    What arrived may have one too. `is_uncertain` where it did not arrive as far as is known, but
    may have.
    """

    arrived: bool
    why: str = ""
    again: Again = Again.LATER
    after_s: float = 0.0
    is_uncertain: bool = False
    next_step: str = ""


class Channel(Protocol):
    """A way to tell people."""

    async def send(self, notice: Notice, limit_s: float) -> Outcome:
        """Send one notice within a limit; what the network or the other side did is no error."""
        ...


def outcome_of(answer: Answer, steps: Mapping[int, str]) -> Outcome:
    """What an HTTP answer means; `steps` say by status what a person has to do."""
    why = why_not(answer)
    if not why:
        return Outcome(arrived=True)
    if answer.failure or answer.status is None:
        sent = answer.sends > 0
        return Outcome(False, why, Again.SOON, is_uncertain=sent, next_step=_UNREACHED)
    status = answer.status
    if status in (_TIMEOUT, _TOO_MANY) or status >= _SERVER_ERROR:
        asked_s = asked_wait_s(
            _header(answer.headers, "retry-after"), lambda: _header(answer.headers, "date")
        )
        is_uncertain = status != _TOO_MANY
        step = steps.get(status, _BUSY)
        return Outcome(False, why, Again.SOON, asked_s or 0.0, is_uncertain, step)
    again = Again.NEVER if status in _FINAL else Again.LATER
    return Outcome(False, why, again, next_step=steps.get(status, ""))


def _header(headers: Headers, wanted: str) -> str:
    return next((value for name, value in headers if name.lower() == wanted), "")


def cut(text: str, most_bytes: int) -> str:
    """The beginning of a text, with a sign where something is left out.

    Counted in UTF-8, which is never less than what the other side counts: whole characters, or
    the halves that JavaScript has.
    """
    encoded = text.encode()
    if len(encoded) <= most_bytes:
        return text
    return encoded[: most_bytes - len("…".encode())].decode("utf-8", "ignore") + "…"
