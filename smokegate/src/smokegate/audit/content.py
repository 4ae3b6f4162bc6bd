"""What a replay delivers for a request: a recorded reply as it was, or broken in one place."""

from __future__ import annotations

from typing import Any

import msgspec

from smokegate.client import Evidence, Reply
from smokegate.client.body import parsed
from smokegate.client.reply import DEEPEST, is_deeper
from smokegate.client.transport import Headers
from smokegate.client.whose import Place, describe
from smokegate.results import Exchange

_SERVER_ERROR = 500
_KEPT_CHARS = 2_000
_LET_IN = Place(lets_in=True)


class Content:
    """A reply, parsed once: what a check reads of it, and how long it lets itself be waited for.

    `document` is the JSON body as plain data, which is never changed in place; `UNSET` where the
    body is none. Whatever is derived from another content shares what was not changed.
    """

    __slots__ = ("_body", "delay_s", "document", "exchange", "is_json", "is_spaced")

    def __init__(
        self,
        exchange: Exchange,
        *,
        body: bytes | None = None,
        document: Any = msgspec.UNSET,
        is_spaced: bool = False,
        delay_s: float = 0.0,
        is_json: bool | None = None,
    ) -> None:
        self.exchange = exchange
        self.document = document
        self.is_spaced = is_spaced
        self.delay_s = delay_s
        if is_json is None:
            is_json = document is not msgspec.UNSET and says_json(exchange.reply_headers)
        self.is_json = is_json
        self._body = body

    @property
    def body(self) -> bytes:
        """The body as bytes, written anew where the document was changed."""
        if self._body is None:
            self._body = _written(self.document, is_spaced=self.is_spaced)
        return self._body

    @property
    def status(self) -> int:
        """The status code, 0 where there is no reply."""
        return self.exchange.status or 0

    def says_the_same_as(self, other: Content) -> bool:
        """Whether nobody could tell the two apart."""
        ours, theirs = self.exchange, other.exchange
        return (
            ours.status == theirs.status
            and ours.reply_headers == theirs.reply_headers
            and ours.trouble == theirs.trouble
            and self.delay_s == other.delay_s
            and self.body == other.body
        )

    def with_status(self, status: int) -> Content:
        """The same under another status."""
        derived = msgspec.structs.replace(self.exchange, status=status)
        return self._derived(derived, is_json=self.is_json)

    def with_headers(self, headers: Headers) -> Content:
        """The same with other headers."""
        return self._derived(msgspec.structs.replace(self.exchange, reply_headers=headers))

    def with_document(self, document: Any) -> Content:
        """The same with another JSON body."""
        exchange = self.exchange
        if self.status >= _SERVER_ERROR:
            text = _written(document, is_spaced=False).decode("utf-8", "replace")
            exchange = msgspec.structs.replace(exchange, reply_body=text[:_KEPT_CHARS])
        return Content(
            exchange,
            document=document,
            is_spaced=self.is_spaced,
            delay_s=self.delay_s,
            is_json=self.is_json,
        )

    def with_body(self, body: bytes) -> Content:
        """The same with other bytes, JSON or not."""
        text = body[:_KEPT_CHARS].decode("utf-8", "replace")
        exchange = msgspec.structs.replace(self.exchange, reply_body=text, reply_bytes=len(body))
        return content_of(exchange, body, delay_s=self.delay_s)

    def later(self, delay_s: float) -> Content:
        """The same after so many seconds more."""
        timing = self.exchange.timing
        timing = msgspec.structs.replace(
            timing, wait_s=timing.wait_s + delay_s, total_s=timing.total_s + delay_s
        )
        slower = msgspec.structs.replace(self.exchange, timing=timing)
        derived = self._derived(slower, is_json=self.is_json)
        derived.delay_s = self.delay_s + delay_s
        return derived

    def without_reply(self, kind: str, after_s: float = 0.0) -> Content:
        """No reply but this trouble, after so many seconds."""
        exchange = msgspec.structs.replace(
            self.exchange,
            status=None,
            reply_headers=[],
            reply_body=None,
            certificate=None,
            trouble=describe(kind, "", _LET_IN),
        )
        return Content(exchange, body=b"", delay_s=after_s)

    def _derived(self, exchange: Exchange, *, is_json: bool | None = None) -> Content:
        return Content(
            exchange,
            body=self._body,
            document=self.document,
            is_spaced=self.is_spaced,
            delay_s=self.delay_s,
            is_json=is_json,
        )


def content_of(exchange: Exchange, body: bytes, *, delay_s: float = 0.0) -> Content:
    """Parse a body once, if it is JSON."""
    try:
        document = parsed(body) if body else msgspec.UNSET
    except ValueError:
        document = msgspec.UNSET
    if document is not msgspec.UNSET and is_deeper(document, DEEPEST):
        document = msgspec.UNSET  # a reply does not read it either
    is_spaced = document is not msgspec.UNSET and body == _written(document, is_spaced=True)
    return Content(exchange, body=body, document=document, is_spaced=is_spaced, delay_s=delay_s)


def says_json(headers: Headers) -> bool:
    """Whether the media type says that the body is JSON."""
    for name, value in headers:
        if name.lower() == "content-type":
            kind = value.partition(";")[0].strip().lower()
            return kind == "application/json" or kind.endswith("+json")
    return False


def _written(document: Any, *, is_spaced: bool) -> bytes:
    """Write JSON as most servers do, or with the spaces that others put behind , and :."""
    if document is msgspec.UNSET:
        return b""
    if not is_spaced:
        return msgspec.json.encode(document)
    import json

    return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")


class ReplayReply(Reply):
    """A reply of a replay: the body is parsed already."""

    def __init__(self, content: Content, exchange: Exchange, evidence: Evidence) -> None:
        self.exchange = exchange
        self.evidence = evidence
        self.content = content
        self._document = content.document if content.is_json else msgspec.UNSET

    @property
    def body(self) -> bytes:  # type: ignore[override]  # a property, to be written late
        """The body as bytes, written only when somebody looks at it."""
        return self.content.body
