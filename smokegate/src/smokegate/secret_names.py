"""What holds a secret, by its name: settings, members of JSON, headers, options."""

from __future__ import annotations

import re
from functools import lru_cache

SHORTEST_SECRET = 6  # taking out anything shorter would black out innocent text
WORDS_OF_SECRETS = (
    r"passw|pwd|secret|token|(?:api|access|private|subscription|signing)[_-]?key|credential|jwt"
    r"|session_?id|authorization|signature|x[_-]auth[_-]|set[_-]cookie|[a-z0-9][_-]key"
)
# Short words only as a whole: pin is in shipping, and otp in laptop-price.
_SECRET_NAME = re.compile(
    rf"{WORDS_OF_SECRETS}|(?:^|[_-])(?:otp|totp|pin|passcode|cvv|cvc|csrf|xsrf|auth|sig|session|dsn)$",
    re.IGNORECASE,
)
# Names like token_type or tokenUrl hold a word that is no secret.
_PUBLIC_NAME = re.compile(
    r"[_-]?(?:type|count|limit|expires_in|ttl|alg|algorithm|url|uri|name|key[_-]?id)$"
    r"|(?:idempotency|public|primary|foreign|partition|sort|cache|object|routing|dedup)[_-]key",
    re.IGNORECASE,
)
_LONGEST_KEPT = 100


def is_secret_name(name: str) -> bool:
    """Whether a setting, a member or a header of this name holds a secret."""
    # A target may make up names of megabytes, which must not be kept.
    return (
        _speaks_of_secrets(name)
        if len(name) <= _LONGEST_KEPT
        else _speaks_of_secrets.__wrapped__(name)
    )


@lru_cache(maxsize=1_000)
def _speaks_of_secrets(name: str) -> bool:
    return bool(_SECRET_NAME.search(name)) and not _PUBLIC_NAME.search(name)
