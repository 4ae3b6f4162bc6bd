"""What is wrong with the settings of alerts, before a run and not when something has to be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from smokegate.errors import UsageError
from smokegate.signature import key_of

CHANNELS = ("slack", "pagerduty", "webhook", "email")
_WEB, _MAIL = ("http", "https"), ("smtp", "smtps")
_URLS = {
    "alert_slack": "https://hooks.slack.com/services/...",
    "alert_pagerduty_url": "https://events.eu.pagerduty.com",
    "alert_webhook": "https://example.com/hooks/smokegate",
    "dashboard_url": "https://smokegate.example.com",
}
_NEEDED = {
    "alert_webhook": ("alert_webhook_secret",),
    "alert_email": ("alert_smtp", "alert_email_from"),
}


def refuse_wrong(known: Mapping[str, Any], source_of: Mapping[str, str]) -> None:
    """Raise `UsageError` for what alerts could not use; a value is never repeated."""
    for key, wrong in _wrong(known):
        raise UsageError(f"{source_of[key]}: {key}: {wrong}")


def _wrong(known: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each setting with what is wrong with it."""
    found = [
        (key, f"expected a URL such as {example}, without a user")
        for key, example in _URLS.items()
        if known.get(key) and not _is_url(known[key])
    ]
    if known.get("alert_smtp") and not _is_mail_server(known["alert_smtp"]):
        found.append(("alert_smtp", "expected a URL such as smtp://user:password@example.com:587"))
    if known.get("alert_webhook_secret") and not key_of(known["alert_webhook_secret"]):
        found.append(("alert_webhook_secret", "expected whsec_ and 24 to 64 bytes in base64"))
    for key, needed in _NEEDED.items():
        missing = [each for each in needed if not known.get(each)]
        if known.get(key) and missing:
            found.append((key, f"it needs {' and '.join(missing)}"))
    unset = [each for each in known.get("alert_escalate", ()) if not known.get(f"alert_{each}")]
    return [*found, *(("alert_escalate", f"alert_{each} is not set") for each in unset)]


def _is_url(url: str) -> bool:
    parts = _parts(url, _WEB)
    return parts is not None and "@" not in parts.netloc and "#" not in url


def _is_mail_server(url: str) -> bool:
    parts = _parts(url, _MAIL)
    if parts is None or parts.path.strip("/") or parts.query or parts.fragment:
        return False
    # A password with an @ or a / that is not written %40 or %2F would be read as a host.
    return url.count("@") <= 1 and (parts.username is None) is (parts.password is None)


def _parts(url: str, schemes: tuple[str, ...]) -> SplitResult | None:
    """The parts of a URL with a host that could be asked."""
    if not (url.isascii() and url.isprintable()) or " " in url:
        return None
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if parts.scheme in schemes and is_whole else None
