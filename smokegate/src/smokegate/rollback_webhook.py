"""The other way to roll back: what deploys is asked to, by one POST."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec

from smokegate.client.transport import Headers
from smokegate.engine import in_loop
from smokegate.posting import post, why_not
from smokegate.results import JudgedRun, to_json
from smokegate.settings import Settings
from smokegate.signature import key_of, signed

_TYPE = "smokegate.rollback"


def ask(run: JudgedRun, settings: Settings, *, version: str, back_to: str) -> str:
    """Ask once, within the time limit; what went wrong in one line, or nothing.

    The message has the run's id, by which a receiver knows one that came twice.
    """
    now_s = int(time.time())
    body = message(run, now_s, version=version, back_to=back_to)
    credentials = _credentials(settings.rollback_secret, run.run_id, now_s, body)
    answer = in_loop(
        lambda: post(
            settings.rollback_webhook,
            [("Content-Type", "application/json"), *credentials],
            body,
            within_s=settings.rollback_timeout_s,
            ca_file=settings.ca_file,
            proxy=settings.proxy,
        )
    )
    return why_not(answer)


def message(run: JudgedRun, at_s: int, *, version: str, back_to: str) -> bytes:
    """What is sent: what a rollback command has in its environment, and the run."""
    told = {
        "run_id": run.run_id,
        "verdict": run.verdict.action.value,
        "target": run.target,
        "version": version,
        "rollback_to": back_to,
        "run": msgspec.Raw(to_json(run)),
    }
    moment = datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")
    return msgspec.json.encode({"type": _TYPE, "timestamp": moment, "data": told})


def in_words(settings: Settings) -> str:
    """Who will be asked; the rest of the address may open by itself what it leads to."""
    parts = urlsplit(settings.rollback_webhook)
    return f"POST {parts.scheme}://{parts.netloc}"


def _credentials(secret: str, message_id: str, at_s: int, body: bytes) -> Headers:
    key = key_of(secret)
    if key:
        return signed(message_id, at_s, body, key)
    return [
        ("webhook-id", message_id),
        *([("Authorization", f"Bearer {secret}")] if secret else []),
    ]
