"""The client that a check or a resource gets: bound to its owner, it keeps the evidence."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from typing import Any, NoReturn, Self, TypeVar
from urllib.parse import quote, urljoin, urlsplit

import msgspec

from smokegate.client.body import ACCEPT_ENCODING, decoded
from smokegate.client.evidence import Evidence, request_in_words
from smokegate.client.record import record
from smokegate.client.reply import Reply
from smokegate.client.session import Session
from smokegate.client.standing import origin
from smokegate.client.transport import Answer, Failure, Headers, Request
from smokegate.client.whose import Place, describe
from smokegate.errors import NotApplicable
from smokegate.results import Consequence, Exchange, Side

T = TypeVar("T")

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# How a form that was taken is answered (RFC 9110, 15.4.3 and 15.4.4).
_REDIRECTS_AFTER_SUCCESS = frozenset({302, 303})
_FOLLOWED = frozenset({"GET", "HEAD", "OPTIONS"})
# Where any request is to be sent as it is: it was not done here (RFC 9110, 15.4.8 and 15.4.9).
_MOVED_AS_IT_IS = frozenset({307, 308})
_MOST_REDIRECTS = 5
_REDIRECTION, _CLIENT_ERROR, _SERVER_ERROR = 300, 400, 500
_TOO_MANY_REQUESTS = 429
_VERSION_CHARS = 100
_FIRST_PAUSE_S = 1.0
_FIRST_POLL_S = 0.05
# What a URL may hold as it is (RFC 3986), escapes included.
_URL_CHARACTERS = "%/:?#[]@!$&'()*+,;=~"


class Client:
    """Sends requests to the target and records each as evidence of its owner.

    Paths are relative to the target's URL. A request that is not answered ends the check; a 429
    is waited out as `Retry-After` says, within the check's deadline.
    """

    def __init__(self, session: Session, evidence: Evidence, *, fresh: bool = False) -> None:
        self.session = session
        self.evidence = evidence
        self.settings = session.settings
        self._fresh = fresh
        self._token = ""

    @property
    def run_id(self) -> str:
        """The run's id, as sent in `X-Smoke-Test`."""
        return self.session.run_id

    def with_token(self, token: str) -> Self:
        """Give a client of the same owner that sends a bearer token."""
        self.session.redactor.add(token)
        client = type(self)(self.session, self.evidence, fresh=self._fresh)
        client._token = token
        return client

    def unique(self, prefix: str) -> str:
        """Make up a name that no other owner and no other run makes up."""
        self.evidence.names_given += 1
        seed = f"{self.run_id}/{self.evidence.owner}/{self.evidence.names_given}"
        return f"{prefix}-{hashlib.sha256(seed.encode()).hexdigest()[:12]}"

    def email(self) -> str:
        """Make up an address from the setting `test_email`."""
        pattern, mark = self.settings.test_email, self.unique(self.run_id).replace("_", "-")
        if "{uuid}" in pattern:
            return pattern.replace("{uuid}", mark)
        local, _, domain = pattern.partition("@")
        return f"{local}+{mark}@{domain}"

    def saw_version(self, version: str) -> None:
        """Report which version the target says it serves; once per reply that said it."""
        version = self.evidence.shown(version, _VERSION_CHARS)
        self.session.versions[version] = self.session.versions.get(version, 0) + 1

    def warn(self, message: str) -> None:
        """Add a warning to the check's outcome."""
        self.evidence.warnings.append(message)

    def skip(self, reason: str) -> NoReturn:
        """End the check: it does not apply to this target."""
        self.evidence.end(NotApplicable(reason))

    async def get(self, path: str, **options: Any) -> Reply:
        """Send GET; the options are those of `request`."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Reply:
        """Send POST; the options are those of `request`."""
        return await self.request("POST", path, **options)

    async def patch(self, path: str, **options: Any) -> Reply:
        """Send PATCH; the options are those of `request`."""
        return await self.request("PATCH", path, **options)

    async def delete(self, path: str, **options: Any) -> Reply:
        """Send DELETE; the options are those of `request`."""
        return await self.request("DELETE", path, **options)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = msgspec.UNSET,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        creates: tuple[str, str] | None = None,
        fresh: bool = False,
        wait_if_throttled: bool = True,
        timeout_s: float | None = None,
    ) -> Reply:
        """Send a request and return its reply, whatever its status.

        `json` or `body` is sent; `creates` names what the request makes (kind and name) so that
        it is removed after the run, even if this process is killed. `fresh` demands a connection
        of its own. Redirects within the origin are followed for GET, HEAD and OPTIONS, and those
        that leave a request as it is (307, 308) for all.
        """
        if json is not msgspec.UNSET:
            body, headers = (
                _json_body(json),
                {"Content-Type": "application/json", **(headers or {})},
            )
        request = Request(
            method=method,
            url=self._resolve(path),
            headers=self._headers(path, headers or {}),
            body=body,
            timeout_s=min(timeout_s or self.settings.timeout_s, self.session.patience_s),
            fresh=fresh or self._fresh,
            replayable=method in IDEMPOTENT,
            owner=self.evidence.owner,
        )
        self.session.learn_secrets(request.headers, request.body or b"", sent=True)
        send = partial(self._send, creates=creates, patient=wait_if_throttled)
        return await self._follow(await send(request), request, send)

    async def handshake(self, *, tls_max: str) -> bool:
        """Try to connect with nothing newer than a TLS version ("1.1"); say whether it worked.

        Where the library at hand cannot offer so old a version, that is a remark.
        """
        url = self._resolve(self.settings.health_path)
        reply = await self._try("HEAD", url, self.settings.timeout_s, tls_max=tls_max)
        return reply.status > 0

    async def probe(self, url: str, *, timeout_s: float = 5.0) -> Reply | None:
        """Send GET where being refused is an answer too: None if the target does not reply."""
        reply = await self._try("GET", self._resolve(url), timeout_s)
        return reply if reply.status else None

    async def ask(self, path: str, *, address: str = "", timeout_s: float, fresh: bool) -> Reply:
        """Send GET and give whatever comes of it; nothing is demanded.

        Redirects within the origin are followed. A reply without a status has its trouble in the
        exchange. `address` is one of the target's own.
        """
        request = Request(
            method="GET",
            url=self._resolve(path),
            headers=self._headers(path, {}),
            timeout_s=timeout_s,
            fresh=fresh,
            replayable=not fresh,
            address=address,
            owner=self.evidence.owner,
        )

        async def send(request: Request) -> Reply:
            return self._reply(*await self._exchange(request, None))

        return await self._follow(await send(request), request, send)

    async def poll(
        self, ask: Callable[[], Awaitable[T]], *, until: Callable[[T], bool], within_s: float
    ) -> T:
        """Ask again, with growing pauses, until an answer will do; give the last one.

        For what a target does a little later than it answers. At least one question is asked;
        after `within_s` seconds no more are.
        """
        end, pause_s = self._now() + within_s, _FIRST_POLL_S
        while not until(answer := await ask()) and self._now() < end:
            await asyncio.sleep(min(pause_s, max(0.0, end - self._now())))
            pause_s *= 1.5
        return answer

    async def _try(self, method: str, url: str, timeout_s: float, *, tls_max: str = "") -> Reply:
        """Send on a connection of its own; only trouble on our side ends the check.

        The resolver is given a second chance: that a packet to it was lost is known after 5 s only.
        """
        request = Request(
            method=method,
            url=url,
            headers=self._headers(url, {}),
            timeout_s=timeout_s,
            fresh=True,
            tls_max=tls_max,
            owner=self.evidence.owner,
        )
        for _ in range(2):
            reply = self._reply(*await self._exchange(request, None))
            exchange, trouble = reply.exchange, reply.exchange.trouble
            if trouble is None or trouble.kind != "resolver":
                break
        if trouble and trouble.kind == "tls_not_offered":
            self.evidence.remarks.append(f"TLS {tls_max} was not tried: {trouble.summary}")
        elif trouble and trouble.side is Side.RUNNER:
            self.evidence.no_reply(exchange, trouble)
        return reply

    def _reply(self, exchange: Exchange, body: Any) -> Reply:
        return Reply(exchange, body, self.evidence)

    async def _send(
        self, request: Request, *, creates: tuple[str, str] | None, patient: bool
    ) -> Reply:
        """Send; if patient, honour `Retry-After` (RFC 9110, 10.2.3) until the target takes it."""
        pause_s = _FIRST_PAUSE_S
        while True:
            exchange, body = await self._exchange(request, creates)
            if exchange.trouble:
                self.evidence.no_reply(exchange, exchange.trouble)
            reply = self._reply(exchange, body)
            if reply.server_s > self.settings.slow_s:
                self._warn_of_slowness(reply)
            if reply.status != _TOO_MANY_REQUESTS or not patient:
                return reply
            pause_s = reply.retry_after_s or pause_s * 2
            if self._now() + self.session.started + pause_s >= self.evidence.deadline:
                self.evidence.throttled(exchange, pause_s)
            self.evidence.waited_s += pause_s
            self.session.announce_wait(request_in_words(exchange), pause_s)
            await asyncio.sleep(pause_s)

    def _warn_of_slowness(self, reply: Reply) -> None:
        """Note what no check demands, and nobody wants: users will have gone by then."""
        self.evidence.expect(
            f"it is answered within {self.settings.slow_s:g} s",
            False,
            seen=f"{reply.server_s:.3f} s",
            exchange=reply.exchange,
            or_else=Consequence.WARN,
        )

    async def _exchange(
        self, request: Request, creates: tuple[str, str] | None
    ) -> tuple[Exchange, Any]:
        """Send once and record what came of it, with the body decompressed."""
        self.evidence.refuse_if_closed()
        self.session.learn_query(request.url)
        self.evidence.allow_for(request.timeout_s - self.settings.timeout_s)
        entry = None
        if creates:
            entry = await self.session.creations.intend(*creates, self.evidence.owner)
            if self.evidence.closed:  # since then: clean-up must not be overtaken
                self.session.creations.settle(entry, False)
                self.evidence.refuse_if_closed()
        started_s = self._now()
        answer: Answer | None = None
        try:
            answer = await self._waiting(request, entry)
            place = await self.session.standing.place_of(request, answer)
        except asyncio.CancelledError:
            self._record(request, answer or self._cut_short(), b"", started_s)
            raise
        body = decoded(answer, self.settings.max_decoded_bytes)
        exchange = self._record(request, answer, body, started_s, place)
        return exchange, body if isinstance(body, bytes) else b""

    async def _waiting(self, request: Request, entry: int | None) -> Answer:
        """Send, and let the evidence show meanwhile that the target is being waited for."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine always runs in a task
        self.evidence.waiting_for_target.add(task)
        try:
            if entry is None:
                return await self.session.transport.send(request)
            return await self._create(request, entry)
        finally:
            self.evidence.waiting_for_target.discard(task)

    async def _create(self, request: Request, entry: int) -> Answer:
        """Send a creating request that outlives its sender: its answer must reach the journal."""
        sending = asyncio.create_task(self.session.transport.send(request))

        def settle(sent: asyncio.Task[Answer]) -> None:
            self.session.creating.discard(sent)
            answered = not sent.cancelled() and sent.exception() is None
            self.session.creations.settle(entry, _was_made(sent.result()) if answered else None)

        self.session.creating.add(sending)
        sending.add_done_callback(settle)
        return await asyncio.shield(sending)

    async def _follow(
        self, reply: Reply, request: Request, send: Callable[[Request], Awaitable[Reply]]
    ) -> Reply:
        """Follow redirects within the origin; one that leads elsewhere is left to the check."""
        for _ in range(_MOST_REDIRECTS):
            followed = _REDIRECTS if request.method in _FOLLOWED else _MOVED_AS_IT_IS
            if reply.status not in followed:
                return reply
            location = reply.header("Location")
            if not location:
                return reply
            url = _within_origin(request.url, location)
            if url is None:
                return reply
            request = msgspec.structs.replace(request, url=url)
            reply = await send(request)
        return reply

    def _now(self) -> float:
        """Seconds since the run began."""
        return asyncio.get_running_loop().time() - self.session.started

    def _resolve(self, path: str) -> str:
        """Put a path behind the target's URL, or accept a URL on the target's host."""
        return _resolved(self.settings.url, path)

    def _headers(self, path: str, given: dict[str, str]) -> Headers:
        headers = [
            ("Accept", "application/json, */*;q=0.5"),
            ("Accept-Encoding", ACCEPT_ENCODING),
            ("User-Agent", self.session.user_agent),
            ("X-Smoke-Test", self.run_id),
        ]
        if self._token and _is_at(self.settings.url, path):
            headers.append(("Authorization", f"Bearer {self._token}"))
        if not given:
            return headers
        overridden = {name.lower() for name in given}
        return [each for each in headers if each[0].lower() not in overridden] + [*given.items()]

    def _cut_short(self) -> Answer:
        """What a request came to that was cancelled: only at the deadline it is the target's."""
        kind = "deadline" if self.evidence.is_out_of_time else "abandoned"
        return Answer(failure=Failure(kind=kind, detail=""), sends=1)

    def _record(
        self,
        request: Request,
        answer: Answer,
        body: bytes | Failure,
        started_s: float,
        place: Place | None = None,
    ) -> Exchange:
        failure = answer.failure or (body if isinstance(body, Failure) else None)
        trouble = describe(failure.kind, failure.detail, place or Place()) if failure else None
        body = body if isinstance(body, bytes) else b""
        self.session.learn_secrets(answer.headers, body)
        if failure:  # what libcurl says of a reply may repeat a part of it
            self.session.redactor.learn_text(failure.detail.encode("utf-8", "replace"))
        exchange = record(
            self.evidence.requests + 1,
            request=request,
            answer=answer,
            body=body,
            started_s=started_s,
            trouble=trouble,
        )
        self.evidence.exchanges.append(exchange)
        self.evidence.requests += 1
        self.evidence.requests_s += exchange.timing.total_s
        return exchange


@lru_cache(maxsize=1_000)
def _resolved(base_url: str, path: str) -> str:
    if path.startswith(("http://", "https://")):
        if urlsplit(path).hostname != urlsplit(base_url).hostname:
            raise ValueError(f"{path} is on another host than the target")
        return quote(path, safe=_URL_CHARACTERS)
    if not path.startswith("/"):
        raise ValueError(f"the path {path!r} must begin with /")
    return base_url + quote(path, safe=_URL_CHARACTERS)


def _is_at(base_url: str, path: str) -> bool:
    """Whether a path, or a URL, is on the target's own origin, where credentials may go."""
    return path.startswith("/") or origin(path) == origin(base_url)


def _json_body(document: Any) -> bytes:
    return document if isinstance(document, bytes) else msgspec.json.encode(document)


def _within_origin(url: str, location: str) -> str | None:
    """Resolve a redirect; None if it leads to another origin, or nowhere, or with a login."""
    try:
        there = urljoin(url, location).partition("#")[0]
        same = origin(there) == origin(url) and "@" not in urlsplit(there).netloc
    except ValueError:
        return None
    return quote(there, safe=_URL_CHARACTERS) if same else None


def _was_made(answer: Answer) -> bool | None:
    """Whether a creating request made something; None if only the target knows."""
    if answer.sends == 0:
        return False
    if answer.status is None or answer.status >= _SERVER_ERROR:
        return None
    if answer.status < _REDIRECTION or answer.status in _REDIRECTS_AFTER_SUCCESS:
        return True
    if answer.status in _MOVED_AS_IT_IS:
        return False
    return None if answer.status < _CLIENT_ERROR else False
