"""Which request a line of the log is about, and a line for each request where that is asked for."""

import re
import time
from secrets import token_hex

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from lattice.tracing import current_trace_id

REQUEST_ID = "X-Request-ID"
# What a proxy has given is kept: so its own log and ours can be read beside each other.
GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
CLIENT_GONE = 499


class RequestLog:
    """Gives every request an id, which its reply and all that is logged during it carry."""

    def __init__(self, app: ASGIApp, *, access: bool) -> None:
        self._app = app
        self._access = access
        self._log = structlog.get_logger("lattice")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        begun_s = time.perf_counter()
        # None was sent: the client has left before.
        status = CLIENT_GONE

        async def identified(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        trace_id = current_trace_id()
        trace = {"trace_id": trace_id} if trace_id else {}
        with bound_contextvars(request_id=request_id, **trace):
            try:
                await self._app(scope, receive, identified)
            finally:
                if self._access:
                    self._log.info("request", **_facts(scope, status, begun_s))


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get(REQUEST_ID, "")
    return given if GIVEN.fullmatch(given) else token_hex(16)


def _facts(scope: Scope, status: int, begun_s: float) -> dict[str, object]:
    # The path alone: what else a client sends may be a secret.
    return {
        "method": scope["method"],
        "path": scope["path"],
        "route": getattr(scope.get("route"), "path", None),
        "status": status,
        "duration_ms": round((time.perf_counter() - begun_s) * 1000, 3),
        "client": scope["client"][0] if scope.get("client") else None,
    }
