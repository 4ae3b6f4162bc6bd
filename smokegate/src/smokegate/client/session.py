"""What all clients of one run share."""

from __future__ import annotations

import asyncio
import base64
import math
import re
from collections.abc import Callable
from typing import Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from smokegate.client.body import parsed
from smokegate.client.redaction import Redactor, is_secret_header
from smokegate.client.standing import Standing
from smokegate.client.transport import Answer, Headers, Request, Transport
from smokegate.secret_names import is_secret_name
from smokegate.settings import Settings

_SHORTEST_IN_HEADER = 12  # shorter parts are words such as Bearer
_SHORTEST_CAPABILITY = 16


class Creations(Protocol):
    """Where a request that creates something says so before it is sent."""

    async def intend(self, kind: str, name: str, owner: str) -> int:
        """Write down what is about to be created; returns when that is safe on disk.

        Raises `JournalError` if it could not be written: the request must not be sent then.
        """
        ...

    def settle(self, entry: int, made: bool | None) -> None:
        """Say whether it was made; None when only the target knows."""
        ...


class Session:
    """The transport, the secrets and the clock of one run.

    `started` is the event loop's time at which the run began; every offset counts from it.
    `let_in_from` are our own addresses from which the target let a run in before.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        transport: Transport,
        creations: Creations,
        run_id: str,
        user_agent: str,
        started: float,
        let_in_from: frozenset[str] = frozenset(),
    ) -> None:
        self.settings = settings
        self.transport = transport
        self.creations = creations
        self.run_id = run_id
        self.user_agent = user_agent
        self.started = started
        self.redactor = Redactor()
        learn_settings(self.redactor, settings)
        self.standing = Standing(settings, let_in_from)
        self.tell: Callable[[str], None] = lambda _: None  # what is being waited for
        self._waits_until = 0.0
        self.patience_s = math.inf  # the most that any request is given
        self.versions: dict[str, int] = {}
        self.earlier_samples: dict[str, list[list[float]]] = {}  # of good runs, the latest last
        self.creating: set[asyncio.Task[Answer]] = set()

    def announce_wait(self, request: str, pause_s: float) -> None:
        """Tell that a request waits because of a 429; of those side by side the first is told."""
        now = asyncio.get_running_loop().time()
        if now >= self._waits_until:
            self._waits_until = now + pause_s
            self.tell(self.redactor.text(f"{request} is throttled (429), {pause_s:g} s"))

    async def late_creations(self, limit_s: float) -> None:
        """Wait for creating requests whose sender has gone: the answer says what is there."""
        if self.creating:
            await asyncio.wait(self.creating, timeout=limit_s)

    def learn_query(self, url: str) -> None:
        """Learn the secrets in the query of a URL that is sent to."""
        _learn_query(self.redactor, url)

    def learn_secrets(self, headers: Headers, body: bytes, *, sent: bool = False) -> None:
        """Learn the secrets in a request or a reply, so that none is stored or shown."""
        _learn_message(self.redactor, headers, body, sent=sent)


def learn_request(redactor: Redactor, request: Request) -> None:
    """Let a redactor know the secrets in a request."""
    _learn_query(redactor, request.url)
    _learn_message(redactor, request.headers, request.body or b"", sent=True)


def _learn_query(redactor: Redactor, url: str) -> None:
    for name, value in parse_qsl(urlsplit(url).query):
        if is_secret_name(name):
            redactor.add(value)


def _learn_message(redactor: Redactor, headers: Headers, body: bytes, *, sent: bool) -> None:
    for name, value in headers:
        if is_secret_header(name):
            for part in _secret_parts(name, value):
                redactor.add(part, sent=sent)
        else:
            redactor.learn_text(value.encode("latin-1", "replace"))
    if not body:
        return
    redactor.learn_text(body)
    try:
        redactor.learn(parsed(body), sent=sent)
    except ValueError:
        return  # not JSON: nothing in it has a name but what is found in any text


def learn_settings(redactor: Redactor, settings: Settings) -> None:
    """Let a redactor know the secrets among the settings."""
    redactor.add(settings.test_password)
    redactor.add(settings.signing_key)
    redactor.add(settings.token)
    redactor.add(settings.rollback_secret)
    redactor.add(settings.rollback_webhook)
    redactor.add(settings.alert_pagerduty)
    redactor.add(settings.alert_webhook_secret)
    for url in settings.history, settings.proxy, settings.metrics_push, settings.alert_smtp:
        redactor.add(urlsplit(url).password or "")
    redactor.add(unquote(urlsplit(settings.alert_smtp).password or ""))
    for url in settings.alert_slack, settings.alert_webhook:
        _learn_capability(redactor, url)
    for key, sourced in settings.extra.items():
        redactor.learn({key: sourced.value}, sent=True)
        if is_secret_name(key):
            redactor.learn_all(sourced.value)
        redactor.learn_text(str(sourced.value).encode("utf-8", "surrogatepass"))


def _learn_capability(redactor: Redactor, url: str) -> None:
    """Learn a URL that opens by itself what it leads to; a short path is no secret, but a word."""
    redactor.add(url)
    parts = urlsplit(url)
    for part in (parts._replace(scheme="", netloc="").geturl(), *parts.path.split("/")):
        if len(part) >= _SHORTEST_CAPABILITY:
            redactor.add(part)
    _learn_query(redactor, url)


def _secret_parts(name: str, value: str) -> list[str]:
    """What is secret in a header: the value of a cookie, the credentials after their scheme."""
    if name.lower() == "set-cookie":
        value = value.partition(";")[0]
    parts = re.split(r"[;,\s]+|(?<=\w)=(?!=*$)", value)
    if parts[0].lower() == "basic":
        return [*parts[1:], *_password_in(parts[-1])]
    return [part for part in parts if len(part) >= _SHORTEST_IN_HEADER]


def _password_in(credentials: str) -> list[str]:
    """The password in credentials of the scheme Basic (RFC 7617): user and password, in base64."""
    try:
        return [base64.b64decode(credentials).partition(b":")[2].decode()]
    except ValueError:
        return []
