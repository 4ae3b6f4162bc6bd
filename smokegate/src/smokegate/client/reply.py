"""A reply as a check reads it: status, headers, and members of the JSON body by type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar, overload

import msgspec

from smokegate.client.body import parsed
from smokegate.client.evidence import Evidence, failure_in_words
from smokegate.errors import ExpectationFailed
from smokegate.results import Consequence, Exchange

T = TypeVar("T")
_START_CHARS = 80
_SEEN_CHARS = 500
_CLIENT_ERROR = 400
DEEPEST = 200  # a document nested deeper is hostile, and recursion over it would end in a crash


def asked_wait_s(retry_after: str | None, date: Callable[[], str | None]) -> float | None:
    """Seconds that `Retry-After` asks to wait (RFC 9110, 10.2.3); None without a sensible one.

    A date is taken by the server's own clock; its `Date` is asked for only then: an audit goes
    by what is read.
    """
    from email.utils import parsedate_to_datetime  # 15 ms that only a throttled run needs

    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
        now = parsedate_to_datetime(date() or "")
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None


class Reply:
    """What the target answered to one request.

    `body` is decompressed. Reading what is not there, or is of another type, ends the check as
    failed with words that say so.
    """

    def __init__(self, exchange: Exchange, body: bytes, evidence: Evidence) -> None:
        self.exchange = exchange
        self.evidence = evidence
        self.body = body
        self._document: Any = msgspec.UNSET

    @property
    def status(self) -> int:
        """The status code."""
        return self.exchange.status or 0

    @property
    def server_s(self) -> float:
        """Seconds that the target took: the wait for the first byte less one round trip."""
        timing = self.exchange.timing
        return max(0.0, timing.wait_s - timing.round_trip_s)

    def header(self, name: str) -> str | None:
        """Give a header's value, several joined with a comma; None if it is not there."""
        wanted = name.lower()
        values = [value for key, value in self.exchange.reply_headers if key.lower() == wanted]
        return ", ".join(values) if values else None

    @property
    def retry_after_s(self) -> float | None:
        """Seconds that `Retry-After` asks to wait; see `asked_wait_s`."""
        return asked_wait_s(self.header("Retry-After"), lambda: self.header("Date"))

    @property
    def media_type(self) -> str:
        """The media type in lower case, without parameters."""
        return (self.header("Content-Type") or "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as UTF-8, with a mark for each byte that is not."""
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The JSON body as plain data; the media type must say that it is JSON."""
        return self._json(None)

    def _json(self, or_else: Consequence | None) -> Any:
        if self._document is msgspec.UNSET:
            self._document = self._parse(or_else)
        return self._document

    @overload
    def read(self, kind: type[T], *path: str | int, or_else: Consequence | None = None) -> T: ...
    @overload
    def read(self, kind: Any, *path: str | int, or_else: Consequence | None = None) -> Any: ...
    def read(self, kind: Any, *path: str | int, or_else: Consequence | None = None) -> Any:
        """Read a member of the JSON body as a type: `reply.read(str, "user", "email")`.

        Types are what msgspec converts to: builtins, `list[int]`, structs with more members than
        are read. Unknown members are fine. `or_else` is what it means if it cannot be read.
        """
        value, at = self._json(or_else), "$"
        for key in path:
            value = self._member(value, key, at, or_else)
            at += f".{key}" if isinstance(key, str) else f"[{key}]"
        try:
            return msgspec.convert(value, kind)
        except (msgspec.ValidationError, RecursionError) as error:
            reason, _, inner = str(error).partition(" - at `$")
            self._unreadable(f"{at}{inner.rstrip('`')} can be read", reason or "too deep", or_else)

    def each(self, kind: type[T], *path: str | int) -> list[T]:
        """Read one member of every item of a list: `reply.each(str, "items", "id")`."""
        *way, member = path
        items = self.read(list[Any], *way)
        return [self.read(kind, *way, number, member) for number in range(len(items))]

    def has(self, *path: str | int) -> bool:
        """Whether the JSON body has a member at this path, null included."""
        value = self._json(None)
        for key in path:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return False
        return True

    def _member(self, value: Any, key: str | int, at: str, or_else: Consequence | None) -> Any:
        name = f"{at}.{key}" if isinstance(key, str) else f"{at}[{key}]"
        if isinstance(key, str) and isinstance(value, dict):
            if key in value:
                return value[key]
            members = ", ".join(map(repr, value)) or "none"
            self._unreadable(f"{name} is there", f"members {members}", or_else)
        if isinstance(key, int) and isinstance(value, list):
            if -len(value) <= key < len(value):
                return value[key]
            self._unreadable(f"{name} is there", f"a list of {len(value)}", or_else)
        return self._unreadable(f"{name} is there", f"{at} is {type_name(value)}", or_else)

    def _parse(self, or_else: Consequence | None) -> Any:
        if self.media_type != "application/json" and not self.media_type.endswith("+json"):
            status = f"status {self.status}, " if self.status >= _CLIENT_ERROR else ""
            self._unreadable(
                "the reply is JSON",
                f"{status}media type {self.media_type or 'missing'!r}",
                or_else,
            )
        try:
            document = parsed(self.body)
        except ValueError as error:
            start = self.evidence.shown(self.text, _START_CHARS)
            seen = f"{str(error)[:200]} in {start!r}" if start else "an empty body"
            self._unreadable("the reply is JSON", seen, or_else)
        if is_deeper(document, DEEPEST):
            self._unreadable("the reply is JSON", f"nesting deeper than {DEEPEST}", or_else)
        return document

    def _unreadable(self, demand: str, seen: str, or_else: Consequence | None) -> NoReturn:
        """Record what cannot be read, and raise: even after a mild failure there is no value."""
        shown = self.evidence.shown(seen, _SEEN_CHARS)
        self.evidence.expect(demand, False, seen=shown, exchange=self.exchange, or_else=or_else)
        raise ExpectationFailed(failure_in_words(self.evidence.expectations[-1], self.exchange))


def type_name(value: Any) -> str:
    """Name a JSON value's type as JSON does."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")


def is_deeper(document: Any, limit: int) -> bool:
    """Whether plain data are nested deeper than a limit, found without recursion."""
    level = [document]
    for _ in range(limit):
        level = [
            part
            for value in level
            if isinstance(value, (dict, list))
            for part in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True
