"""Rate limits, counted per minute and said in every reply.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10.

| who calls | policy "client" counts | beside it |
|---|---|---|
| with a valid access token | its session | policy "tenant" counts all sessions of the tenant |
| anyone else | the address | |

So one session that is out of breath locks out neither its account nor anyone else.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lattice.errors import TooManyRequestsError
from lattice.problems import problem
from lattice.security.tokens import Claims, InvalidTokenError, TokenKind, Tokens
from lattice.settings import Settings

WINDOW_S = 60
# What operators and their machines ask must be answered above all under load.
EXEMPT_PATHS = frozenset({"/health", "/metrics", "/version", "/docs", "/openapi.json"})
EXEMPT_PREFIX = "/health/"


@dataclass(frozen=True, slots=True)
class Quota:
    """What one policy allows to one partition: an address, a session or a tenant."""

    policy: str
    partition: str
    per_minute: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Where a quota stands after a request: what remains, and until when."""

    quota: Quota
    allowed: bool
    remaining: int
    resets_in_s: int


class RateLimits:
    """Counts requests against quotas; the storage is the seam for counting across processes."""

    def __init__(self, settings: Settings, tokens: Tokens) -> None:
        self._settings = settings
        self._tokens = tokens
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def quotas(self, authorization: str, address: str) -> Sequence[Quota]:
        """Return the quotas that a request draws on, the narrowest first."""
        claims = self._claims(authorization)
        if claims is None:
            return (Quota("client", f"address:{address}", self._settings.rate_limit_anonymous),)
        return (
            Quota("client", f"session:{claims.session_id}", self._settings.rate_limit_session),
            Quota("tenant", f"tenant:{claims.tenant_id}", self._settings.rate_limit_tenant),
        )

    def _claims(self, authorization: str) -> Claims | None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            return self._tokens.read(token.strip(), TokenKind.ACCESS)
        except InvalidTokenError:
            return None

    async def draw(self, quotas: Sequence[Quota]) -> list[Usage]:
        """Count one request against each quota, up to the first that is used up."""
        drawn: list[Usage] = []
        for quota in quotas:
            drawn.append(await self._draw(quota))
            if not drawn[-1].allowed:
                break
        return drawn

    async def _draw(self, quota: Quota) -> Usage:
        item = RateLimitItemPerMinute(quota.per_minute)
        allowed = await self._limiter.hit(item, quota.partition)
        resets_at_s, remaining = await self._limiter.get_window_stats(item, quota.partition)
        resets_in_s = min(WINDOW_S, max(1, math.ceil(resets_at_s - time.time())))
        return Usage(quota, allowed, remaining, resets_in_s)


class RateLimiting:
    """Answers 429 where a quota is used up, and writes the quotas on every other reply."""

    def __init__(self, app: ASGIApp, rate_limits: RateLimits) -> None:
        self._app = app
        self._rate_limits = rate_limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its quotas allow it."""
        if scope["type"] != "http" or _is_exempt(scope["path"]):
            await self._app(scope, receive, send)
            return
        address = scope["client"][0] if scope.get("client") else "unknown"
        authorization = Headers(scope=scope).get("authorization", "")
        quotas = self._rate_limits.quotas(authorization, address)
        usages = await self._rate_limits.draw(quotas)

        async def with_quotas(message: Message) -> None:
            if message["type"] == "http.response.start":
                _write(MutableHeaders(scope=message), usages)
            await send(message)

        used_up = usages[-1]
        if used_up.allowed:
            await self._app(scope, receive, with_quotas)
        else:
            await problem(_refusal(used_up))(scope, receive, with_quotas)


def _is_exempt(path: str) -> bool:
    return path in EXEMPT_PATHS or path.startswith(EXEMPT_PREFIX)


def _refusal(usage: Usage) -> TooManyRequestsError:
    quota = usage.quota
    return TooManyRequestsError(
        f"The {quota.policy} limit of {quota.per_minute} requests a minute is used up: "
        f"come back in {usage.resets_in_s} s.",
        retry_after_s=usage.resets_in_s,
    )


def _write(headers: MutableHeaders, usages: Sequence[Usage]) -> None:
    headers["RateLimit-Policy"] = ", ".join(
        f'"{usage.quota.policy}";q={usage.quota.per_minute};w={WINDOW_S}' for usage in usages
    )
    headers["RateLimit"] = ", ".join(
        f'"{usage.quota.policy}";r={usage.remaining};t={usage.resets_in_s}' for usage in usages
    )
