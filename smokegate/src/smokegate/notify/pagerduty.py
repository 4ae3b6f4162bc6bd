"""PagerDuty's Events API v2, as https://developer.pagerduty.com/docs/events-api-v2-overview has it.

An alert is opened and resolved by the deduplication key of its incident; another version is a
change event, which wakes nobody.
"""

from __future__ import annotations

from typing import Any

import msgspec

from smokegate.notify.channel import Outcome, cut, outcome_of
from smokegate.notify.notice import Kind, Notice
from smokegate.notify.words import facts, headline
from smokegate.posting import post
from smokegate.results import Action
from smokegate.settings import Settings

_SUMMARY = 1_024
_SOURCE = 255
SEVERITIES = {
    Action.ROLLBACK: "critical",
    Action.INVESTIGATE: "error",
    Action.INCONCLUSIVE: "warning",
    Action.MONITOR: "warning",
    Action.PROCEED: "info",
}
_NEW_KEY = "compare alert_pagerduty with the integration key of the service (Events API v2)"
_STEPS = {
    400: _NEW_KEY,
    401: _NEW_KEY,
    403: _NEW_KEY,
    404: "set alert_pagerduty_url to that of your region, such as https://events.eu.pagerduty.com",
}


class PagerDuty:
    """A service of PagerDuty."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.alert_pagerduty_url.rstrip("/")
        self._key = settings.alert_pagerduty
        self._proxy = settings.proxy

    async def send(self, notice: Notice, limit_s: float) -> Outcome:
        """Send an event; of a test, the alert and its end."""
        if notice.kind is Kind.DEPLOYED:
            return await self._post("/v2/change/enqueue", change(notice), limit_s)
        outcome = await self._post("/v2/enqueue", event(notice), limit_s)
        if outcome.arrived and notice.kind is Kind.TEST:
            over = msgspec.structs.replace(notice, kind=Kind.RESOLVED)
            return await self._post("/v2/enqueue", event(over), limit_s)
        return outcome

    async def _post(self, path: str, event: dict[str, Any], limit_s: float) -> Outcome:
        answer = await post(
            f"{self._url}{path}",
            [("Content-Type", "application/json")],
            msgspec.json.encode({"routing_key": self._key, **event}),
            within_s=limit_s,
            proxy=self._proxy,
        )
        return outcome_of(answer, _STEPS)


def event(notice: Notice) -> dict[str, Any]:
    """An event without its routing key: one that triggers, or one that resolves."""
    if notice.kind is Kind.RESOLVED:
        return {"event_action": "resolve", "dedup_key": notice.key}
    return {
        "event_action": "trigger",
        "dedup_key": notice.key,
        "client": "smokegate",
        "links": _links(notice),
        "payload": {
            **_payload(notice),
            "severity": SEVERITIES[notice.action],
            "group": cut(notice.environment, _SOURCE),
            "class": notice.action.value,
        },
    }


def change(notice: Notice) -> dict[str, Any]:
    """A change event without its routing key."""
    return {"payload": _payload(notice), "links": _links(notice)}


def _payload(notice: Notice) -> dict[str, Any]:
    details: dict[str, Any] = dict(facts(notice))
    about = {"causes": notice.causes, "change": notice.change, "what to do": notice.to_do}
    return {
        "summary": cut(headline(notice), _SUMMARY),
        "source": cut(notice.target, _SOURCE),
        "timestamp": notice.moment,
        "custom_details": details | {name: each for name, each in about.items() if each},
    }


def _links(notice: Notice) -> list[dict[str, str]]:
    return [{"href": link.url, "text": link.text} for link in notice.links]
