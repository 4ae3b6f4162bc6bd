"""A transport that answers from a script and records what was sent, and when."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from smokegate.client.transport import Address, Answer, Failure, Headers, Request

SOURCES = ("192.0.2.9",)  # our own address, as a transport sees it


class Step(NamedTuple):
    """What to answer, and how long that takes."""

    answer: Answer
    after_s: float | None = None


Handler = Callable[[Request], Step | Awaitable[Step]]
Route = Step | list[Step] | Handler


class Sent(NamedTuple):
    """A request that was put on the wire, with the loop's time."""

    request: Request
    at_s: float

    @property
    def line(self) -> str:
        """Method and path: "GET /things"."""
        return f"{self.request.method} {urlsplit(self.request.url).path}"


def answered(
    status: int = 200,
    document: Any = None,
    *,
    body: bytes | None = None,
    headers: Headers | None = None,
    after_s: float | None = None,
    connection: int = 0,
) -> Step:
    """Answer with a JSON document, or with a body as it is."""
    content = json.dumps({} if document is None else document).encode() if body is None else body
    answer = Answer(
        status=status,
        headers=[("Content-Type", "application/json"), *(headers or [])],
        body=content,
        http_version="HTTP/2",
        address="192.0.2.1:443",
        connection=connection,
        sends=1,
        sources=SOURCES,
    )
    return Step(answer, after_s)


def unanswered(
    kind: str, *, detail: str = "", after_s: float | None = None, connection: int | None = None
) -> Step:
    """End without a reply."""
    sends = 0 if kind in ("refused", "local", "connect_timeout", "name_missing") else 1
    failure = Failure(kind=kind, detail=detail)
    answer = Answer(failure=failure, sends=sends, connection=connection, sources=SOURCES)
    return Step(answer, after_s)


NEVER = Step(Answer(), float("inf"))


class ScriptedTransport:
    """Answers by method and path; several steps are taken one after the other, the last stays.

    Whatever is not in the script is answered with 404.
    """

    def __init__(
        self, routes: Mapping[str, Route] | None = None, *, latency_s: float = 0.1
    ) -> None:
        self.routes: dict[str, Route] = dict(routes or {})
        self.sent: list[Sent] = []
        self.at_once = 0
        self.most_at_once = 0
        self.closed = False
        self.addresses: list[str] = []
        self.idle: set[str] = set()  # those at which nothing takes a connection
        self._latency_s = latency_s
        self._taken: dict[str, int] = {}

    @property
    def lines(self) -> list[str]:
        """Method and path of every request, in order."""
        return [sent.line for sent in self.sent]

    async def send(self, request: Request) -> Answer:
        sent = Sent(request, asyncio.get_running_loop().time())
        self.sent.append(sent)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            step = await self._step(sent)
            await self._wait(step, request)
        except TimeoutError:
            return Answer(failure=Failure(kind="silent", detail="the limit"), sends=1)
        finally:
            self.at_once -= 1
        return msgspec.structs.replace(step.answer, fresh=request.fresh)

    async def resolve(self, url: str) -> list[Address]:
        return [Address(ip, ip not in self.idle) for ip in self.addresses]

    async def close(self) -> None:
        self.closed = True

    async def _step(self, sent: Sent) -> Step:
        route = self.routes.get(sent.line, answered(404, {"detail": "no such thing"}))
        if isinstance(route, Step):
            return route
        if isinstance(route, list):
            taken = self._taken.get(sent.line, 0)
            self._taken[sent.line] = taken + 1
            return route[min(taken, len(route) - 1)]
        step = route(sent.request)
        return step if isinstance(step, Step) else await step

    async def _wait(self, step: Step, request: Request) -> None:
        after_s = self._latency_s if step.after_s is None else step.after_s
        async with asyncio.timeout(request.timeout_s):
            await (asyncio.Event().wait() if after_s == float("inf") else asyncio.sleep(after_s))
