"""GitHub: what it asks, signed, and what it is told, as often as it takes.

https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from smokegate import __version__
from smokegate.client.curl import CurlTransport
from smokegate.client.transport import Answer, Headers, Request
from smokegate.client.trouble import WORDS
from smokegate.errors import UsageError
from smokegate.reports.escaping import one_line
from smokegate.service.gate.gate import Gate
from smokegate.service.gate.order import Order, Review
from smokegate.service.gate.review import body_of
from smokegate.settings import Settings, check_url
from smokegate.streams import say

_WITHIN_S = 20.0
_MOST_BYTES = 65_536
_MOST_TRIES = 8
_LIMITED_S, _FAILED_S, _LONGEST_S = 60.0, 5.0, 3_600.0
_JWT_S = 540  # GitHub takes none that lasts longer than ten minutes
_RENEWED_S = 3_000.0  # an installation's token lasts an hour
_SHOWN_CHARS = 200
_VERSION = "2022-11-28"
_ANOTHER_TRY = (401, 408, 429)


class _Refused(Exception):
    """GitHub did not do it; `pause_s` is when to try again, 0 for never."""

    def __init__(self, why: str, pause_s: float) -> None:
        super().__init__(why)
        self.pause_s = pause_s


class GitHub:
    """Tells GitHub what becomes of orders; raises `UsageError` for credentials that are none."""

    def __init__(
        self,
        settings: Settings,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.api = check_url(settings.github_api, "github_api")
        self.dashboard_url = settings.dashboard_url and check_url(
            settings.dashboard_url, "dashboard_url"
        )
        self._settings = settings
        self._pause = pause
        self._key = _private_key(settings)
        self._tokens: dict[str, tuple[str, float]] = {}
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: CurlTransport | None = None

    @property
    def can_write(self) -> bool:
        """Whether it has something to authenticate with."""
        return bool(self._key or self._settings.github_token)

    @property
    def asks(self) -> bool:
        """Whether it may ask: whether what it signs with is known."""
        return bool(self._settings.github_webhook_secret)

    @asynccontextmanager
    async def running(self, gate: Gate) -> AsyncIterator[None]:
        """Tell what there is to tell; what is not told at the end is told after the next start."""
        self._transport = CurlTransport(max_reply_bytes=_MOST_BYTES, max_connections=1)
        gate.listen = partial(self._hear, gate)
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._transport.close()

    def is_signed(self, content: bytes, signature: str) -> bool:
        """Whether GitHub has sent this: X-Hub-Signature-256."""
        secret = self._settings.github_webhook_secret.encode()
        known = f"sha256={hmac.digest(secret, content, 'sha256').hex()}"
        return bool(secret) and hmac.compare_digest(known.encode(), signature.encode())

    def _hear(self, gate: Gate, order: Order) -> None:
        review = order.wanted.review
        if review and not order.told:
            task = asyncio.get_running_loop().create_task(self._tell(gate, order, review))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _tell(self, gate: Gate, order: Order, review: Review) -> None:
        """Tell of an order; only what is final is worth more than one try."""
        target = gate.targets.get(order.wanted.target)
        body = body_of(order, review, self._link(order), target.settings.url if target else "")
        if body is None:
            return
        async with self._one_at_a_time:
            trouble = await self._sent(review, body, _MOST_TRIES if order.has_ended else 1)
        if trouble:
            say(f"smokegate: GitHub was not told of {order.id}: {trouble}")
        if order.has_ended:
            gate.keep(msgspec.structs.replace(gate.order(order.id) or order, told=True))

    async def _sent(self, review: Review, body: dict[str, Any], tries: int) -> str:
        """Send something until it has arrived; why it did not, or nothing.

        While GitHub wants to be left alone, nothing else is sent either.
        """
        trouble, pause_s = "", 0.0
        for number in range(tries):
            if pause_s:
                await self._pause(pause_s)
            try:
                token = await self._token(review, number)
                await self._ask("POST", review.url, body, token, number)
            except _Refused as refused:
                trouble, pause_s = f"{refused}", refused.pause_s
            else:
                return ""
            if not pause_s:
                break
        return trouble

    async def _token(self, review: Review, number: int) -> str:
        if not self._key:
            return self._settings.github_token
        installation: Any = review.installation
        if not installation:
            path = f"{self.api}/repos/{review.repository}/installation"
            found = await self._ask("GET", path, None, _jwt(self._settings, self._key), number)
            installation = found.get("id")
        url = f"{self.api}/app/installations/{installation}/access_tokens"
        token, made_at_s = self._tokens.get(url, ("", 0.0))
        if token and number == 0 and time.monotonic() - made_at_s < _RENEWED_S:
            return token
        wanted = {"permissions": {"deployments": "write"}}
        found = await self._ask("POST", url, wanted, _jwt(self._settings, self._key), number)
        self._tokens[url] = (str(found.get("token", "")), time.monotonic())
        return self._tokens[url][0]

    async def _ask(
        self, method: str, url: str, body: dict[str, Any] | None, token: str, number: int
    ) -> dict[str, Any]:
        """Ask GitHub something; raises `_Refused`. It is never followed elsewhere."""
        assert self._transport is not None  # noqa: S101 - it runs
        answer = await self._transport.send(
            Request(
                method=method,
                url=url,
                headers=_headers(token),
                body=msgspec.json.encode(body) if body else None,
                timeout_s=_WITHIN_S,
            )
        )
        why, pause_s = _refusal(answer, number)
        if why:
            raise _Refused(why, pause_s)
        try:
            found = msgspec.json.decode(answer.body) if answer.body else {}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = {}
        return found if isinstance(found, dict) else {}

    def _link(self, order: Order) -> str:
        there = self.dashboard_url
        return f"{there}/run?id={order.run_id}" if there and order.run_id else there


def _headers(token: str) -> Headers:
    return [
        ("Accept", "application/vnd.github+json"),
        ("Accept-Encoding", "identity"),
        ("Authorization", f"Bearer {token}"),
        ("Content-Type", "application/json"),
        ("User-Agent", f"smokegate/{__version__}"),
        ("X-GitHub-Api-Version", _VERSION),
    ]


def _refusal(answer: Answer, number: int) -> tuple[str, float]:
    """Why GitHub did not do it, and after how many seconds to try again; 0 for never."""
    if answer.failure:
        return WORDS[answer.failure.kind].summary, _FAILED_S * 2**number
    status = answer.status or 0
    if 200 <= status < 300:  # noqa: PLR2004 - 2xx
        return "", 0.0
    why = f"status {status}: {one_line(answer.body.decode('utf-8', 'replace'), _SHOWN_CHARS)}"
    if status >= 500:  # noqa: PLR2004 - 5xx
        return why, _FAILED_S * 2**number
    limited_s = _limited_s(answer, number)
    if limited_s or status in _ANOTHER_TRY:
        return why, min(limited_s or _FAILED_S * 2**number, _LONGEST_S)
    return why, 0.0


def _limited_s(answer: Answer, number: int) -> float:
    """How long a limit of the rate holds; 0 if it is none."""
    if answer.status not in (403, 429):
        return 0.0
    headers = {name.lower(): value for name, value in answer.headers}
    after = headers.get("retry-after", "")
    if after.isdecimal() and after.isascii():
        return max(1.0, float(after[:6]))
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal() and reset.isascii():
        return max(1.0, float(reset[:12]) - time.time())
    is_limit = answer.status == 429 or b"rate limit" in answer.body  # noqa: PLR2004
    return _LIMITED_S * 2**number if is_limit else 0.0


def _private_key(settings: Settings) -> bytes:
    """The key of the app, if there is one."""
    if not settings.github_app_id:
        return b""
    try:
        key = Path(settings.github_app_key).read_bytes()
        _jwt(settings, key)
    except ModuleNotFoundError:
        raise UsageError("github_app_id: install smokegate[github]") from None
    except OSError as error:
        wrong = f"{settings.github_app_key!r} cannot be read: {error.strerror}"
        raise UsageError(f"github_app_key: {wrong}") from None
    except Exception:  # of which the library has several kinds
        wrong = f"{settings.github_app_key!r} is no private key in PEM"
        raise UsageError(f"github_app_key: {wrong}") from None
    return key


def _jwt(settings: Settings, key: bytes) -> str:
    """What an app authenticates with; a minute early, for clocks that differ."""
    import jwt  # only an app needs it

    now_s = int(time.time()) - 60
    claims = {"iat": now_s, "exp": now_s + _JWT_S, "iss": settings.github_app_id}
    return jwt.encode(claims, key, algorithm="RS256")
