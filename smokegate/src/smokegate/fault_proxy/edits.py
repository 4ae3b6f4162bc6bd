"""Faults in what a reply says: status, headers, fields and body, framed as good HTTP."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from smokegate.fault_proxy.faults import Action
from smokegate.fault_proxy.messages import Reply, Request

FieldPath = tuple[str | int, ...]

_LARGEST_EXACT = 2**53  # as a float


class ReplyEdit(Action):
    """A pure change of a reply; one that changes nothing counts as not acted out."""

    @abstractmethod
    def edit(self, request: Request, reply: Reply) -> Reply:
        """Return the reply to send instead."""


@dataclass(frozen=True)
class EditReply(ReplyEdit):
    """Whatever a function makes of request and reply."""

    change: Callable[[Request, Reply], Reply]

    def edit(self, request: Request, reply: Reply) -> Reply:
        return self.change(request, reply)


@dataclass(frozen=True)
class SetStatus(ReplyEdit):
    """Another status over the same body, wherever the upstream replied `instead_of` (or any)."""

    status: int
    instead_of: int | None = None

    def edit(self, request: Request, reply: Reply) -> Reply:
        if self.instead_of not in {None, reply.status}:
            return reply
        return replace(reply, status=self.status, reason="")


@dataclass(frozen=True)
class EditBody(ReplyEdit):
    """The body put through a function of bytes."""

    change: Callable[[bytes], bytes]

    def edit(self, request: Request, reply: Reply) -> Reply:
        return reply.with_body(self.change(reply.body))


@dataclass(frozen=True)
class ReplaceBody(ReplyEdit):
    """Another body, and its media type when one is given."""

    body: bytes
    content_type: str | None = None

    def edit(self, request: Request, reply: Reply) -> Reply:
        changed = reply.with_body(self.body)
        if self.content_type is None:
            return changed
        return changed.with_header("Content-Type", self.content_type)


@dataclass(frozen=True)
class EditJson(ReplyEdit):
    """The parsed body put through a function; a body that is no JSON stays as it is."""

    change: Callable[[Any], Any]

    def edit(self, request: Request, reply: Reply) -> Reply:
        try:
            document = json.loads(reply.body)
        except ValueError:
            return reply
        # Compared as documents: spaces that json.dumps writes otherwise are no change.
        changed = self.change(json.loads(reply.body))
        return reply if changed == document else reply.with_body(json.dumps(changed).encode())


@dataclass(frozen=True)
class SetField(ReplyEdit):
    """A JSON field, named by the way to it, gets a value; a missing parent leaves all as is."""

    path: FieldPath
    value: Any

    def edit(self, request: Request, reply: Reply) -> Reply:
        return EditJson(self._set).edit(request, reply)

    def _set(self, document: Any) -> Any:
        parent = _parent(document, self.path)
        if isinstance(parent, dict | list):
            parent[self.path[-1]] = self.value  # type: ignore[index]
        return document


@dataclass(frozen=True)
class RemoveField(ReplyEdit):
    """A JSON field, named by the way to it, is gone; a missing one leaves all as is."""

    path: FieldPath

    def edit(self, request: Request, reply: Reply) -> Reply:
        return EditJson(self._remove).edit(request, reply)

    def _remove(self, document: Any) -> Any:
        parent = _parent(document, self.path)
        if isinstance(parent, dict):
            parent.pop(self.path[-1], None)
        return document


@dataclass(frozen=True)
class ExtraFields(ReplyEdit):
    """Fields that no contract knows, in every JSON object, or with `nested=False` the outermost."""

    fields: Mapping[str, Any] = field(default_factory=lambda: {"x_unknown": {"added": [1, "two"]}})
    nested: bool = True

    def edit(self, request: Request, reply: Reply) -> Reply:
        return EditJson(self._extend).edit(request, reply)

    def _extend(self, document: Any) -> Any:
        if isinstance(document, dict):
            items = document.items()
            inner = {k: self._extend(v) for k, v in items} if self.nested else dict(items)
            return {**inner, **self.fields}
        if isinstance(document, list) and self.nested:
            return [self._extend(item) for item in document]
        return document


@dataclass(frozen=True)
class AddFractions(ReplyEdit):
    """Whole numbers in JSON are written with a fraction: 1 as 1.0."""

    def edit(self, request: Request, reply: Reply) -> Reply:
        changed: list[str] = []

        def with_fraction(written: str) -> int | float:
            if abs(int(written)) > _LARGEST_EXACT:
                return int(written)
            changed.append(written)
            return float(written)

        try:
            document = json.loads(reply.body, parse_int=with_fraction)
        except ValueError:
            return reply
        return reply.with_body(json.dumps(document).encode()) if changed else reply


@dataclass(frozen=True)
class SetHeader(ReplyEdit):
    """One header with this value, added where there was none."""

    name: str
    value: str

    def edit(self, request: Request, reply: Reply) -> Reply:
        return reply.with_header(self.name, self.value)


@dataclass(frozen=True)
class AddHeader(ReplyEdit):
    """One more header, beside one of the same name if there is one."""

    name: str
    value: str

    def edit(self, request: Request, reply: Reply) -> Reply:
        return reply.with_added_header(self.name, self.value)


@dataclass(frozen=True)
class RemoveHeader(ReplyEdit):
    """A header is gone."""

    name: str

    def edit(self, request: Request, reply: Reply) -> Reply:
        return reply.without_header(self.name)


@dataclass(frozen=True)
class RenameHeaders(ReplyEdit):
    """Every header's name in another letter case: `str.upper`, `str.lower`, `str.title`."""

    rename: Callable[[str], str] = str.upper

    def edit(self, request: Request, reply: Reply) -> Reply:
        return reply.with_header_names(self.rename)


@dataclass(frozen=True)
class ReflectOrigin(ReplyEdit):
    """Any origin that asks is allowed, with credentials; `*` when `wildcard`."""

    wildcard: bool = False

    def edit(self, request: Request, reply: Reply) -> Reply:
        origin = request.header("Origin")
        if origin is None:
            return reply
        allowed = reply.with_header("Access-Control-Allow-Origin", "*" if self.wildcard else origin)
        return allowed.with_header("Access-Control-Allow-Credentials", "true")


@dataclass(frozen=True)
class ShiftDate(ReplyEdit):
    """The Date header of a server whose clock is off by so many seconds."""

    seconds: float

    def edit(self, request: Request, reply: Reply) -> Reply:
        date = reply.header("Date")
        if date is None:
            return reply
        shifted = parsedate_to_datetime(date) + timedelta(seconds=self.seconds)
        return reply.with_header("Date", format_datetime(shifted, usegmt=True))


def _parent(document: Any, path: FieldPath) -> Any:
    for step in path[:-1]:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
    return document
