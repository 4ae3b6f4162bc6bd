"""Failures whose cause is still there after a rollback."""

from __future__ import annotations

import re

from smokegate.results import Exchange

_INSUFFICIENT_STORAGE = 507  # RFC 4918, 11.5
_SERVER_ERROR = 500
# How systems and databases say it: Linux, SQLite, PostgreSQL, quotas.
_FULL = re.compile(
    r"\bENOSPC\b|no space left on device|database or disk is full|could not extend file"
    r"|disk quota exceeded",
    re.IGNORECASE,
)


def incurable_cause(exchange: Exchange | None) -> str:
    """Say why rolling back cannot cure what an exchange shows; empty if it might."""
    if exchange is None:
        return ""
    if exchange.trouble is not None:
        return exchange.trouble.summary if exchange.trouble.incurable else ""
    status = exchange.status or 0
    says_full = status >= _SERVER_ERROR and _FULL.search(exchange.reply_body or "")
    if status == _INSUFFICIENT_STORAGE or says_full:
        return "the target's storage is full, and rolling back frees none"
    return ""
