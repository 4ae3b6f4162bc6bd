"""The other sides on loopback: Slack and PagerDuty as documented, a receiver of signed webhooks.

Each takes what its documentation allows and refuses the rest with 400, as the real one does.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from smokegate.settings import Settings
from standardwebhooks import Webhook

HOOK = "/services/T00000000/B00000000/Gehe1mnisGehe1mnisGehe1m"
ROUTING_KEY = "r0ut1ngGehe1mnisGehe1mnisGehe1mn"
SECRET = "whsec_R2VoZTFtbmlzR2VoZTFtbmlzR2VoZTFtbmlz"
_LINKS = re.compile(r"(<https?://[^<>|]+\|[^<>|]+>\n?)+")
SEVERITIES = ("critical", "error", "warning", "info")


class Answer(NamedTuple):
    """What is answered instead of what is due; `status` 0 closes the connection."""

    status: int
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Others:
    """What came to each, in order; `answers` are given first, by path."""

    port: int = 0
    slack: list[dict[str, Any]] = field(default_factory=list)
    pagerduty: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    webhooks: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    hung: set[str] = field(default_factory=set)
    ended: threading.Event = field(default_factory=threading.Event)
    heard: Callable[[str], object] = lambda _: None
    requests: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self, **changes: Any) -> Settings:
        """Settings with all three of them."""
        return Settings(
            **{
                "alert_slack": f"{self.url}{HOOK}",
                "alert_pagerduty": ROUTING_KEY,
                "alert_pagerduty_url": self.url,
                "alert_webhook": f"{self.url}/hook",
                "alert_webhook_secret": SECRET,
                **changes,
            }
        )

    @property
    def actions(self) -> list[str]:
        """What PagerDuty was told, in a word each."""
        return [each["event_action"] for each in self.pagerduty]

    @property
    def types(self) -> list[str]:
        """The types of the events that the webhook got."""
        return [each["type"] for each in self.webhooks]

    @property
    def titles(self) -> list[str]:
        """What Slack shows in notifications."""
        return [each["text"] for each in self.slack]


def take(others: Others, path: str, headers: dict[str, str], body: bytes) -> Answer:
    """Take what came, if it is as documented."""
    document = json.loads(body)
    if path == HOOK:
        wrong = wrong_with_message(document)
        others.slack += [] if wrong else [document]
        return Answer(400, wrong) if wrong else Answer(200, "ok")
    if path in ("/v2/enqueue", "/v2/change/enqueue"):
        is_change = path == "/v2/change/enqueue"
        wrong = wrong_with_event(document, is_change=is_change)
        if wrong:
            return Answer(400, json.dumps({"status": "invalid event", "errors": [wrong]}))
        (others.changes if is_change else others.pagerduty).append(document)
        return Answer(202, json.dumps({"status": "success", "message": "Event processed"}))
    if path == "/hook":
        Webhook(SECRET).verify(body, headers)
        others.headers.append(headers)
        others.webhooks.append(document)
        return Answer(204)
    return Answer(404, "no_service")


def wrong_with_message(message: dict[str, Any]) -> str:
    """What Slack's documentation has against a message; empty if nothing."""
    blocks = message.get("blocks", [])
    texts = [text for block in blocks for text in _texts(block)]
    whole = [message.get("text", ""), *(each["text"] for each in texts)]
    for text in whole:
        if not _LINKS.fullmatch(text) and re.search(r"&(?!amp;|lt;|gt;)|[<>]", text):
            return f"invalid_payload: not escaped: {text}"
    if not message.get("text") or not 0 < len(blocks) <= 50:
        return "no_text"
    if set(message) - {"text", "blocks", "unfurl_links", "unfurl_media"}:
        return "invalid_payload"
    if sum(map(_characters, whole)) > 13_200:
        return "msg_blocks_too_long"
    return next(filter(None, map(_wrong_with_block, blocks)), "")


def _wrong_with_block(block: dict[str, Any]) -> str:
    limits = {"header": 150, "section": 3_000}
    if block["type"] not in limits:
        return f"invalid_blocks: {block['type']}"
    if "text" not in block and not 0 < len(block.get("fields", [])) <= 10:
        return "invalid_blocks: neither text nor fields"
    kind = "plain_text" if block["type"] == "header" else "mrkdwn"
    for text in _texts(block):
        limit = limits[block["type"]] if text is block.get("text") else 2_000
        if text["type"] != kind or not 0 < _characters(text["text"]) <= limit:
            return f"invalid_blocks: {text}"
    return ""


def _texts(block: dict[str, Any]) -> list[dict[str, Any]]:
    return [*([block["text"]] if "text" in block else []), *block.get("fields", [])]


def _characters(text: str) -> int:
    """As JavaScript counts them."""
    return len(text.encode("utf-16-le")) // 2


def wrong_with_event(event: dict[str, Any], *, is_change: bool) -> str:
    """What the documentation of Events API v2 has against an event; empty if nothing."""
    known = {"routing_key", "payload", "links"}
    known |= set() if is_change else {"event_action", "dedup_key", "client", "client_url", "images"}
    if set(event) - known:
        return f"unknown: {set(event) - known}"
    if event.get("routing_key") != ROUTING_KEY:
        return "'routing_key' is invalid"
    if not is_change:
        if event.get("event_action") not in ("trigger", "acknowledge", "resolve"):
            return "'event_action' is invalid"
        if not 0 < len(event.get("dedup_key", "")) <= 255:
            return "'dedup_key' is missing or too long"
        if event["event_action"] == "resolve":
            return ""
    return _wrong_with_payload(event["payload"], is_change=is_change) or _wrong_with_links(event)


def _wrong_with_payload(payload: dict[str, Any], *, is_change: bool) -> str:
    known = {"summary", "source", "timestamp", "custom_details"}
    known |= set() if is_change else {"severity", "component", "group", "class"}
    if set(payload) - known:
        return f"unknown: {set(payload) - known}"
    if not 0 < len(payload.get("summary", "")) <= 1_024:
        return "'payload.summary' is missing or too long"
    if not is_change and not payload.get("source"):
        return "'payload.source' is missing"
    if not is_change and payload.get("severity") not in SEVERITIES:
        return "'payload.severity' is invalid"
    return ""


def _wrong_with_links(event: dict[str, Any]) -> str:
    return "" if all(each.get("href") for each in event.get("links", [])) else "'links' is invalid"


@contextmanager
def others() -> Iterator[Others]:
    """Run all of them in one server, in threads of its own."""
    there = Others()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            there.requests.append(self.path)
            there.heard(self.path)
            if self.path in there.hung:
                there.ended.wait()
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            told = there.answers.get(self.path)
            answer = told.pop(0) if told else take(there, self.path, headers, body)
            if answer.status == 0:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            content = answer.body.encode()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        there.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield there
        finally:
            there.ended.set()
            server.shutdown()
            thread.join()
