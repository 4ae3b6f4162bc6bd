"""What a request asks for: parameters within limits, a body of a bounded size.

The types are those of the API's description as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Literal, TypeVar
from urllib.parse import parse_qsl

import msgspec
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from smokegate.history.rows import DAY_MS
from smokegate.service.access.visitors import Visitor

MOST_DAYS = 366
_BODY_BYTES = 20_000
_BODY_WITHIN_S = 10.0
_FIELDS = 20

T = TypeVar("T", bound=msgspec.Struct)

Days = Annotated[
    int, msgspec.Meta(ge=1, le=MOST_DAYS, description="How many days back; today is one of them.")
]
Environment = Annotated[
    str, msgspec.Meta(max_length=200, description="Only of this environment; empty is all of them.")
]
Suite = Annotated[
    str, msgspec.Meta(max_length=64, description="Only of this suite; empty is all of them.")
]
RunId = Annotated[str, msgspec.Meta(min_length=1, max_length=64, description="The id of a run.")]
CheckId = Annotated[
    str, msgspec.Meta(min_length=1, max_length=300, description="The id of a check: suite.name.")
]
Wait = Annotated[int, msgspec.Meta(ge=0, le=300, description="Seconds to wait for a verdict.")]
Limit = Annotated[int, msgspec.Meta(ge=1, le=200, description="How many at most.")]
Before = Annotated[
    str, msgspec.Meta(max_length=64, description="Only runs older than the one of this id.")
]
Verdict = Literal["", "proceed", "monitor", "inconclusive", "investigate", "rollback"]


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """No parameters."""


class Window(msgspec.Struct, forbid_unknown_fields=True):
    """Some days."""

    days: Days = 30

    def since_ms(self, now_ms: int) -> int:
        """When the first of the days began."""
        return (now_ms // DAY_MS - self.days + 1) * DAY_MS


class Place(Window):
    """Some days of an environment."""

    environment: Environment = ""


class Part(Place):
    """Some days of a suite."""

    suite: Suite = ""


class Deployed(Place):
    """So many deployments of some days."""

    limit: Limit = 50


class Listed(msgspec.Struct, forbid_unknown_fields=True):
    """A page of runs."""

    environment: Environment = ""
    verdict: Annotated[Verdict, msgspec.Meta(description="Only runs that came to it.")] = ""
    before: Before = ""
    limit: Limit = 50


class OneRun(msgspec.Struct, forbid_unknown_fields=True):
    """One run."""

    run_id: RunId


class OneVerdict(OneRun, kw_only=True):
    """The verdict of one run."""

    wait: Wait = 0


class OneCheck(Place, kw_only=True):
    """Some days of one check."""

    check_id: CheckId


@dataclass(frozen=True, kw_only=True)
class Question:
    """What it takes to answer: the history as it is now, and who asks."""

    connection: Connection
    visitor: Visitor
    now_ms: int


def read(kind: type[T], given: Mapping[str, str]) -> T:
    """Parameters as the values that they are.

    Raises `HTTPException` for what is beyond its limits, or not known.
    """
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, in_words(error)) from None


def read_known(kind: type[T], given: Mapping[str, str]) -> T:
    """The parameters of a page: what it does not know may be a mail program's."""
    names = [field.name for field in msgspec.structs.fields(kind)]
    return read(kind, {name: value for name, value in given.items() if name in names})


def in_words(error: Exception) -> str:
    """What is wrong, and with which parameter: days: expected `int` <= 366."""
    words, _, place = str(error).partition(" - at `$")
    name = place.strip(".`")
    return f"{name}: {words[0].lower()}{words[1:]}." if name else f"{words}."


async def body(request: Request, most_bytes: int = _BODY_BYTES) -> bytes:
    """The body of a request.

    Raises `HTTPException` for one that is larger than anything that is asked for here, and for one
    that does not come to its end.
    """
    content = bytearray()
    try:
        async with asyncio.timeout(_BODY_WITHIN_S):
            async for piece in request.stream():
                content += piece
                if len(content) > most_bytes:
                    raise HTTPException(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"More than {most_bytes:,} bytes."
                    )
    except TimeoutError:
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "The body is too slow.") from None
    except ClientDisconnect:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The body ends too early.") from None
    return bytes(content)


def parsed(content: bytes, kind: type[T]) -> T:
    """A body as the values that it holds.

    Raises `HTTPException` for what is not JSON, and for what does not fit.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, in_words(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The body is not JSON.") from None


async def form(request: Request) -> dict[str, str]:
    """The fields of a form.

    Raises `HTTPException` for what is none.
    """
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "That is no form.")
    content = (await body(request)).decode(errors="replace")
    try:
        return dict(parse_qsl(content, keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "A form of too many fields.") from None
