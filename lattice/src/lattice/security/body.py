"""How much a request may bring, and how long it may take to."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lattice.errors import RequestTimeoutError, TooLargeError
from lattice.problems import problem


class BodyLimit:
    """Answers 413 to a body that is larger than the limit, 408 to one that does not come whole.

    The size counts as declared or as it comes.
    """

    def __init__(self, app: ASGIApp, limit_bytes: int, timeout_s: float) -> None:
        self._app = app
        self._limit_bytes = limit_bytes
        self._timeout_s = timeout_s

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
        late_at_s = asyncio.get_running_loop().time() + self._timeout_s
        is_whole = False

        async def counted() -> Message:
            nonlocal received_bytes, is_whole
            # Once it is whole, this waits for the client to leave.
            message = await receive() if is_whole else await self._in_time(receive, late_at_s)
            is_whole = not message.get("more_body", False)
            received_bytes += len(message.get("body", b""))
            # Raised where the body is read, so that the route never sees a part of it.
            if received_bytes > self._limit_bytes:
                raise TooLargeError(self._limit_bytes)
            return message

        await self._app(scope, counted, send)

    async def _in_time(self, receive: Receive, late_at_s: float) -> Message:
        try:
            async with asyncio.timeout_at(late_at_s):
                return await receive()
        except TimeoutError as error:
            raise RequestTimeoutError(self._timeout_s) from error
