"""What rollout controllers and GitHub call: /gate/argo, /gate/flagger/TYPE and /gate/github."""

from __future__ import annotations

import base64
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from smokegate.service.api.gate_answers import Word, gate_of
from smokegate.service.api.routes import refuse
from smokegate.service.asked import body, parsed, read
from smokegate.service.desk import Desk
from smokegate.service.gate.order import INCONCLUSIVE, OPENING, RUNNING, Order, Wanted
from smokegate.service.gate.review import rule_of

# Both controllers give up after ten seconds unless they are told otherwise.
_WAIT_S = 8
_REASON_CHARS = 200
_GITHUB_BYTES = 200_000  # read before its signature is checked; it has some 20 kB
_OUR_TROUBLE = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_IN_METADATA = ("target", "version")
_NO_NAME = "say which release is meant: give version or key in the URL"
_BY_A_LINK = ("GET", "HEAD")
_POST_IT = "Ask with POST, or with the token."
_NO_BODY = "say what is meant in the URL: the body is not read"
_NO_CHECKSUM = "The payload has no checksum, which says what is rolled out; update Flagger."
_NOT_SET_UP = "GitHub is not set up here: set github_webhook_secret, and an app or a token."

Wait = Annotated[int, msgspec.Meta(ge=0, le=600)]


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    """What a controller's URL says."""

    target: Word = ""
    version: Word = ""
    key: Word = ""
    wait: Wait = _WAIT_S


class _FromFlagger(msgspec.Struct):
    """What Flagger sends; there may be more in it."""

    name: Word
    namespace: Word
    checksum: Word = ""
    metadata: dict[str, str] = {}

    @property
    def asked(self) -> dict[str, str]:
        """What it says of what our URL can say as well; the rest is meant for others."""
        return {name: each for name, each in self.metadata.items() if name in _IN_METADATA}


class _Type(NamedTuple):
    """A type of Flagger's webhooks: on which actions it succeeds, and whether it asks for a run.

    Success lets the release go on, but of `rollback` it takes it back.
    """

    succeeds_on: frozenset[str]
    asks: bool = True


_TYPES = {
    "confirm-rollout": _Type(OPENING),
    "pre-rollout": _Type(OPENING),
    "rollout": _Type(OPENING),
    "confirm-traffic-increase": _Type(OPENING),
    "confirm-promotion": _Type(OPENING),
    "post-rollout": _Type(OPENING | {RUNNING}),
    "rollback": _Type(frozenset({"rollback"}), asks=False),
}


class _Numbered(msgspec.Struct, frozen=True):
    id: int = 0


class _FromGitHub(msgspec.Struct):
    """What GitHub sends of a protection rule; there is much more in it."""

    action: str
    environment: Word
    deployment_callback_url: Word
    installation: _Numbered = _Numbered()


class _AskedByGitHub(msgspec.Struct, forbid_unknown_fields=True):
    target: Word = ""


class Hooks:
    """Answers controllers in the terms of each."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """The routes of all."""
        return [
            Route("/gate/argo", self._argo, methods=["GET", "POST", "PUT"]),
            Route("/gate/flagger/{type}", self._flagger, methods=["POST"]),
            Route("/gate/github", self._github, methods=["POST"]),
        ]

    async def _argo(self, request: Request) -> Response:
        """Always 200 once it is known who asks: any other status counts against the release."""
        visitor = self._desk.doorkeeper.visitor(request)
        refuse(visitor, writes=True)
        if request.method in _BY_A_LINK and visitor.name:  # any site can make a browser send a GET
            raise HTTPException(HTTPStatus.FORBIDDEN, _POST_IT)
        try:
            order = await self._ordered(await _wanted_by_argo(request))
        except HTTPException as error:
            is_full = error.status_code == HTTPStatus.TOO_MANY_REQUESTS
            return _value(RUNNING if is_full else INCONCLUSIVE, error.detail)
        return _value(order.action, order.reason, order)

    async def _ordered(self, asked: tuple[Wanted, int]) -> Order:
        gate, (wanted, wait_s) = gate_of(self._desk), asked
        return await gate.wait(gate.ask(wanted), wait_s)

    async def _flagger(self, request: Request) -> Response:
        """200, or 412 with the reason in a line; of a 5xx Flagger would drop it."""
        kind = _TYPES.get(request.path_params["type"])
        if kind is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"The types are {', '.join(_TYPES)}.")
        given = parsed(await body(request), _FromFlagger)
        self._let_in(request, given.metadata.get("token", ""))
        asked = read(_Asked, {**request.query_params, **given.asked})
        try:
            action, words = await self._said(request.path_params["type"], kind, asked, given)
        except HTTPException as error:
            if error.status_code not in _OUR_TROUBLE:
                raise
            action, words = RUNNING, error.detail
        succeeds = action in kind.succeeds_on
        status = HTTPStatus.OK if succeeds else HTTPStatus.PRECONDITION_FAILED
        return PlainTextResponse(f"{words}\n", status)

    async def _said(
        self, name: str, kind: _Type, asked: _Asked, given: _FromFlagger
    ) -> tuple[str, str]:
        """The action, and what Flagger's log is to say of it."""
        wanted = _wanted_by_flagger(name, asked, given)
        if kind.asks:
            order = await self._ordered((wanted, asked.wait))
            return order.action, _in_words(order)
        release = f"{_release(given)} "
        last = gate_of(self._desk).last_verdict(lambda each: each.wanted.key.startswith(release))
        return (last.action, _in_words(last)) if last else (RUNNING, "there is no verdict yet")

    def _let_in(self, request: Request, token: str) -> None:
        """Refuse who has no token: in the header, as the URL's password, or in the metadata."""
        doorkeeper, given = self._desk.doorkeeper, _password(request) or token
        visitor = doorkeeper.visitor(request)
        if given and not visitor.may_write:
            visitor = doorkeeper.bearer(request, given)
        refuse(visitor, writes=True)

    async def _github(self, request: Request) -> Response:
        """Take in that a rule is to be reviewed; the review itself is sent later."""
        github = self._desk.github
        if github is None or not (github.asks and github.can_write):
            raise HTTPException(HTTPStatus.NOT_FOUND, _NOT_SET_UP)
        content = await body(request, _GITHUB_BYTES)
        if not github.is_signed(content, request.headers.get("x-hub-signature-256", "")):
            raise HTTPException(HTTPStatus.UNAUTHORIZED, "The signature is not GitHub's.")
        event = request.headers.get("x-github-event", "")
        if event != "deployment_protection_rule":
            return PlainTextResponse("pong\n" if event == "ping" else "not of interest here\n")
        given = parsed(content, _FromGitHub)
        if given.action != "requested":
            return PlainTextResponse("not of interest here\n")
        asked = read(_AskedByGitHub, dict(request.query_params))
        url, environment = given.deployment_callback_url, given.environment
        wanted = Wanted(
            target=asked.target or environment,
            key=f"github {url} {environment}",
            review=rule_of(github.api, url, environment, given.installation.id),
        )
        order = gate_of(self._desk).ask(wanted)
        return PlainTextResponse(f"{order.id}\n", HTTPStatus.ACCEPTED)


async def _wanted_by_argo(request: Request) -> tuple[Wanted, int]:
    asked = read(_Asked, dict(request.query_params))
    if await body(request):
        raise HTTPException(HTTPStatus.BAD_REQUEST, _NO_BODY)
    if not (asked.version or asked.key):
        raise HTTPException(HTTPStatus.BAD_REQUEST, _NO_NAME)
    wanted = Wanted(
        target=asked.target, expect_version=asked.version, key=f"argo {asked.key}".rstrip()
    )
    return wanted, asked.wait


def _wanted_by_flagger(name: str, asked: _Asked, given: _FromFlagger) -> Wanted:
    """A run of its own for each type: what was seen before the traffic came says less after it."""
    if not given.checksum:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, _NO_CHECKSUM)
    return Wanted(
        target=asked.target,
        expect_version=asked.version,
        key=f"{_release(given)} {name}",
    )


def _release(given: _FromFlagger) -> str:
    return f"flagger {given.namespace}/{given.name} {given.checksum}"


def _in_words(order: Order) -> str:
    reason = f": {order.reason}" if order.reason else ""
    return f"{order.action}{reason} ({order.run_id or order.id})"


def _value(action: str, reason: str, order: Order | None = None) -> Response:
    """What Argo keeps of a measurement, so it is short."""
    told: dict[str, Any] = {"action": action, "reason": reason[:_REASON_CHARS]}
    if order:
        told |= {"id": order.id, "run_id": order.run_id}
    return Response(msgspec.json.encode(told), media_type="application/json")


def _password(request: Request) -> str:
    """The password of HTTP Basic (RFC 7617), which is what Go sends of http://user:TOKEN@host."""
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""
