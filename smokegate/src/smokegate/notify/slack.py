"""Messages to Slack, or to whatever else takes its incoming webhooks.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks says how. Limits: 50
blocks, 150 characters in a header, 3,000 in a section, 2,000 in a field; about 13,200 in all are
refused as well, which is not documented (slackapi/bolt-js#2509).
"""

from __future__ import annotations

from typing import Any

import msgspec

from smokegate.notify.channel import Outcome, outcome_of
from smokegate.notify.notice import Kind, Link, Notice
from smokegate.notify.words import facts, headline
from smokegate.posting import post
from smokegate.settings import Settings

_HEADER, _SECTION, _FIELD, _FALLBACK = 150, 2_400, 800, 1_500
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_NEW_URL = "make a new incoming webhook in Slack, and set alert_slack to its URL"
_STEPS = {
    400: "look at the words of the reply; please report it",
    403: "an administrator of the workspace has to allow the webhook",
    404: _NEW_URL,
    410: _NEW_URL,
}
_MARKS = {Kind.RESOLVED: "✓", Kind.TEST: "✓", Kind.DEPLOYED: "✓"}


class Slack:
    """A channel behind an incoming webhook."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.alert_slack
        self._proxy = settings.proxy

    async def send(self, notice: Notice, limit_s: float) -> Outcome:
        """Post a message."""
        answer = await post(
            self._url,
            [("Content-Type", "application/json")],
            msgspec.json.encode(message(notice)),
            within_s=limit_s,
            proxy=self._proxy,
        )
        return outcome_of(answer, _STEPS)


def message(notice: Notice) -> dict[str, Any]:
    """A message; nothing in it is a link, a mention or a picture but what is ours."""
    title = f"{_MARKS.get(notice.kind, '✗')} {headline(notice)}"
    short = escaped(title, _HEADER)
    header = {"type": "plain_text", "text": short, "emoji": False}
    fields = [_text(f"*{label}*\n{escaped(value, _FIELD)}") for label, value in facts(notice)]
    causes = "\n".join(f"• {each}" for each in notice.causes)
    whole = title if short.endswith("…") else ""  # the header has only how it begins
    said = [escaped(each, _SECTION) for each in (whole, causes, notice.change, notice.to_do)]
    said.append("\n".join(map(_link, notice.links)))
    return {
        "text": escaped(title, _FALLBACK),
        "blocks": [
            {"type": "header", "text": header},
            {"type": "section", "fields": fields},
            *({"type": "section", "text": _text(each)} for each in said if each),
        ],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def escaped(text: str, most_bytes: int) -> str:
    """Text that Slack shows as it is, with no more bytes than that once it is escaped."""
    left = most_bytes
    whole: list[str] = []
    for character in text:
        shown = _ESCAPED.get(character, character)
        left -= len(shown.encode())
        if left < len("…".encode()):
            return "".join(whole) + "…"
        whole.append(shown)
    return "".join(whole)


def _text(text: str) -> dict[str, Any]:
    """Text in which addresses and names of channels are no links."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _link(link: Link) -> str:
    url = link.url.replace("|", "%7C")
    return f"<{escaped(url, _FIELD)}|{escaped(link.text, _FIELD)}>"
