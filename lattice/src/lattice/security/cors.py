"""Which pages of other origins may call (the Fetch standard's CORS protocol).

An origin on the list gets its name back; any other gets no CORS header at all, so that its
browser keeps the reply from it.
"""

from collections.abc import Set as AbstractSet

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lattice.errors import ForbiddenError
from lattice.problems import problem

PREFLIGHT_MAX_AGE_S = 600
PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "DELETE, GET, PATCH, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
    "Access-Control-Max-Age": str(PREFLIGHT_MAX_AGE_S),
}
# What a page may read of a reply beside the few headers that it may always read.
EXPOSED_HEADERS = (
    "Idempotent-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, "
    "X-Request-ID"
)


class CrossOrigin:
    """Answers preflights, and names the origin that may read on each of its replies."""

    def __init__(self, app: ASGIApp, allowed_origins: AbstractSet[str]) -> None:
        self._app = app
        self._allowed_origins = allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it is a preflight, and complete its reply."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        origin = asked.get("origin")
        allowed = origin if origin in self._allowed_origins else None

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                _complete(MutableHeaders(scope=message), allowed)
            await send(message)

        if origin and scope["method"] == "OPTIONS" and "access-control-request-method" in asked:
            await _preflight(allowed)(scope, receive, completed)
        else:
            await self._app(scope, receive, completed)


def _preflight(allowed_origin: str | None) -> Response:
    if allowed_origin is None:
        return problem(ForbiddenError("Pages of this origin may not call."))
    return Response(status_code=204, headers=PREFLIGHT_HEADERS)


def _complete(headers: MutableHeaders, allowed_origin: str | None) -> None:
    # Said on every reply: a cache must not hand one origin's reply to another.
    headers.add_vary_header("Origin")
    if allowed_origin:
        headers["Access-Control-Allow-Origin"] = allowed_origin
        headers["Access-Control-Allow-Credentials"] = "true"
        headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
