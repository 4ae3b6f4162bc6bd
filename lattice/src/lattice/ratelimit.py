"""Rate limits, counted per minute and said in every reply.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10.

| who calls | policy "client" counts | beside it |
|---|---|---|
| with a valid access token | its session | policy "tenant" counts all sessions of the tenant |
| anyone else | the address | |

So one session that is out of breath locks out neither its account nor anyone else. A token whose
session is known to have ended is anyone's.
"""

from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lattice.errors import TooManyRequestsError
from lattice.problems import problem
from lattice.security.addresses import client_address
from lattice.security.revocations import Revocations
from lattice.security.tokens import Claims, InvalidTokenError, TokenKind, Tokens
from lattice.settings import Settings
from lattice.windows import Quota, Usage, Windows

# What operators and their machines ask must be answered above all under load.
EXEMPT_PATHS = frozenset({"/health", "/metrics", "/version", "/docs", "/openapi.json"})
EXEMPT_PREFIX = "/health/"


class RateLimits:
    """Counts requests, and says what each quota has left."""

    def __init__(
        self, settings: Settings, tokens: Tokens, revocations: Revocations, windows: Windows
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._revocations = revocations
        self._windows = windows

    async def quotas(self, claims: Claims | None, address: str) -> Sequence[Quota]:
        """Return the quotas that a request draws on, the narrowest first."""
        if claims is None or await self._revocations.has(claims.session_id):
            return (Quota("client", f"address:{address}", self._settings.rate_limit_anonymous),)
        return (
            Quota("client", f"session:{claims.session_id}", self._settings.rate_limit_session),
            Quota("tenant", f"tenant:{claims.tenant_id}", self._settings.rate_limit_tenant),
        )

    def claims(self, authorization: str) -> Claims | None:
        """Return the claims of a valid access token; None for anything else."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            return self._tokens.read(token.strip(), TokenKind.ACCESS)
        except InvalidTokenError:
            return None

    async def draw(self, quotas: Sequence[Quota]) -> list[Usage]:
        """Count one request against each quota, up to the first that is used up."""
        return await self._windows.hit(quotas)


class RateLimiting:
    """Answers 429 where a quota is used up, and writes the quotas on every other reply."""

    def __init__(self, app: ASGIApp, rate_limits: RateLimits) -> None:
        self._app = app
        self._rate_limits = rate_limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its quotas allow it."""
        if scope["type"] != "http" or is_exempt(scope["path"]):
            await self._app(scope, receive, send)
            return
        authorization = Headers(scope=scope).get("authorization", "")
        claims = self._rate_limits.claims(authorization)
        # For the route too: reading a token takes as long as a small query.
        scope.setdefault("state", {})["claims"] = claims
        quotas = await self._rate_limits.quotas(claims, client_address(scope))
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


def is_exempt(path: str) -> bool:
    """Say whether this is what operators ask, to which no limit applies."""
    return path in EXEMPT_PATHS or path.startswith(EXEMPT_PREFIX)


def _refusal(usage: Usage) -> TooManyRequestsError:
    quota = usage.quota
    return TooManyRequestsError(
        f"The {quota.policy} limit of {quota.limit} requests a minute is used up: "
        f"come back in {usage.resets_in_s} s.",
        retry_after_s=usage.resets_in_s,
    )


def _write(headers: MutableHeaders, usages: Sequence[Usage]) -> None:
    headers["RateLimit-Policy"] = ", ".join(
        f'"{usage.quota.policy}";q={usage.quota.limit};w={usage.quota.window_s}' for usage in usages
    )
    headers["RateLimit"] = ", ".join(
        f'"{usage.quota.policy}";r={usage.remaining};t={usage.resets_in_s}' for usage in usages
    )
