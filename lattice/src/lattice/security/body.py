"""How much a request may bring."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lattice.errors import TooLargeError
from lattice.problems import problem


class BodyLimit:
    """Answers 413 to a body that is larger than the limit, as declared or as it comes."""

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self._app = app
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._limit_bytes:
            await problem(TooLargeError(self._limit_bytes))(scope, receive, send)
            return
        received_bytes = 0

        async def counted() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            # Raised where the body is read, so that the route never sees a part of it.
            if received_bytes > self._limit_bytes:
                raise TooLargeError(self._limit_bytes)
            return message

        await self._app(scope, counted, send)
