"""The secrets of the campaign: the ways in which a target may write them, and finding them."""

from __future__ import annotations

import base64
import html
import json
import random
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

PASSWORD = 'Gehe1mnis "& <so> 100%/+\\'
TOKEN = "sent.Gehe1mnis-eyJhIjoxfQ.c2lnbmF0dXJl_"
API_KEY = "sent-Gehe1mnis+/=="
ADMIN_TOKEN = "geheimnisvoll"
SENT = (PASSWORD, TOKEN, API_KEY, ADMIN_TOKEN)
WAYS: tuple[Callable[[str], str], ...] = (
    str,
    lambda secret: repr(secret)[1:-1],
    lambda secret: json.dumps(secret)[1:-1],
    lambda secret: json.dumps(json.dumps(secret))[3:-3],
    lambda secret: quote(secret, safe=""),
    quote,
    quote_plus,
    html.escape,
    lambda secret: base64.b64encode(secret.encode()).decode(),
    lambda secret: base64.b64encode(f"anna:{secret}".encode()).decode(),
    lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
)
_RECEIVED = re.compile(r"rq7-[0-9a-f]{24}")
_SPACE = re.compile(r"\s+")


def echoed(draw: random.Random) -> str:
    """A secret that the client sent, written in one of many ways."""
    return draw.choice(WAYS)(draw.choice(SENT))


def handed_out(draw: random.Random) -> str:
    """A secret that only the target knows; it must stand under a name that says so."""
    return f"rq7-{draw.randbytes(12).hex()}"


def leaks_in(text: str) -> list[str]:
    """The secrets that a text holds, in whatever way they are written and wrapped."""
    packed = _SPACE.sub("", text)
    return [form for form in _FORMS if form in packed] + _RECEIVED.findall(packed)


_FORMS = sorted({_SPACE.sub("", way(secret)) for secret in SENT for way in WAYS})
