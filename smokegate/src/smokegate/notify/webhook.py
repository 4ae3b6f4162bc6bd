"""A webhook of yours, as Standard Webhooks 1.0.0 has it.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import time

import msgspec

from smokegate.notify.channel import Outcome, outcome_of
from smokegate.notify.notice import Kind, Notice
from smokegate.posting import post
from smokegate.settings import Settings
from smokegate.signature import key_of, signed

_TYPES = {
    Kind.OPENED: "incident.opened",
    Kind.WORSE: "incident.worsened",
    Kind.STILL: "incident.continued",
    Kind.RESOLVED: "incident.resolved",
    Kind.DEPLOYED: "version.changed",
    Kind.TEST: "test",
}
_STEPS = {
    401: "compare alert_webhook_secret with the secret of the receiver",
    403: "compare alert_webhook_secret with the secret of the receiver",
    404: "compare alert_webhook with the address of the receiver",
    410: "the receiver wants no more: take alert_webhook away, or set another",
}


class Webhook:
    """A receiver of signed events."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.alert_webhook
        self._key = key_of(settings.alert_webhook_secret)
        self._proxy = settings.proxy

    async def send(self, notice: Notice, limit_s: float) -> Outcome:
        """Post an event."""
        body = event(notice)
        headers = [
            ("Content-Type", "application/json"),
            *signed(notice.id, round(time.time()), body, self._key),
        ]
        answer = await post(self._url, headers, body, within_s=limit_s, proxy=self._proxy)
        return outcome_of(answer, _STEPS)


def event(notice: Notice) -> bytes:
    """The body: the kind of event, when it was, and all that there is to tell."""
    data = {name: each for name, each in msgspec.to_builtins(notice).items() if name != "id"}
    data["links"] = [link._asdict() for link in notice.links]
    about = {"type": _TYPES[notice.kind], "timestamp": notice.moment, "data": data}
    return msgspec.json.encode(about)
