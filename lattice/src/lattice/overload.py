"""How many connections one process takes on."""

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from lattice.errors import UnavailableError
from lattice.problems import problem
from lattice.ratelimit import is_exempt

RETRY_AFTER_S = 1


class ConnectionLimit:
    """Answers 503 while there are too many connections, and ends this one with that.

    What operators and their machines ask is answered all the same: who restarts what is busy
    makes it worse.
    """

    def __init__(self, app: ASGIApp, connections_max: int) -> None:
        self._app = app
        self._connections_max = connections_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on unless there are too many."""
        if scope["type"] != "http" or not self._is_too_much(scope):
            await self._app(scope, receive, send)
            return
        busy = UnavailableError(
            "Too many connections are open: come back in a second.",
            headers={"Retry-After": str(RETRY_AFTER_S), "Connection": "close"},
        )
        await problem(busy)(scope, receive, send)

    def _is_too_much(self, scope: Scope) -> bool:
        connections = HTTPConnection(scope).app.state.connections
        return len(connections) > self._connections_max and not is_exempt(scope["path"])
