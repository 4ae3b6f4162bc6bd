"""What checks read of the replies, noted while a recording is rehearsed.

Two uses: a place that some check reads is never excused as equivalent, and a fault in a place that
an owner does not look at cannot change what it does, so the owner need not be replayed.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path as File
from types import UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin

import msgspec

from smokegate.audit.content import ReplayReply
from smokegate.audit.documents import EVERY, Path
from smokegate.results import Exchange

_SERVER_ERROR = 500
_SCALARS = (None, type(None), str, int, float, bool, bytes, datetime)
_OUR_FOLDER = str(File(__file__).parents[1]) + os.sep


class Looks:
    """What is looked at of one reply, by whoever gets it.

    `members` are paths, each with whether all that is below it counts; `body` says that the text,
    or the whole document, was taken, `everything` that the exchange itself was.
    """

    def __init__(self) -> None:
        self.members: set[tuple[Path, bool]] = set()
        self.headers: set[str] = set()
        self.body = False
        self.everything = False

    def at_member(self, path: Path) -> bool:
        """Whether another value at a path could be noticed."""
        if self.body or self.everything:
            return True
        general = _general(path)
        return any(
            seen[: len(general)] == general or (whole and general[: len(seen)] == seen)
            for seen, whole in self.members
        )

    def at_header(self, name: str) -> bool:
        """Whether another value of a header could be noticed."""
        return self.everything or name in self.headers

    @property
    def at_body(self) -> bool:
        """Whether another body could be noticed."""
        return self.body or self.everything or bool(self.members)


class Reads:
    """What is looked at of every reply of a recording, by the identity of its content."""

    def __init__(self) -> None:
        self._of: dict[int, Looks] = defaultdict(Looks)

    def of(self, content: object) -> Looks:
        """What is looked at of one content."""
        return self._of[id(content)]


class _LookedAt:
    """An exchange as a check gets it: what it takes of it is noted."""

    def __init__(self, exchange: Exchange, looks: Looks) -> None:
        self._exchange = exchange
        self._looks = looks

    def __getattr__(self, name: str) -> Any:
        self._looks.everything |= name == "reply_headers"
        self._looks.body |= name in ("reply_body", "reply_bytes")
        return getattr(self._exchange, name)


class NotingReply(ReplayReply):
    """A reply that notes what is read of it."""

    reads: Reads
    _is_quiet = False

    @property
    def exchange(self) -> Exchange:
        """The exchange; a check gets one that notes what it takes."""
        if sys._getframe(1).f_code.co_filename.startswith(_OUR_FOLDER):
            return self._exchange
        return cast("Exchange", _LookedAt(self._exchange, self.reads.of(self.content)))

    @exchange.setter
    def exchange(self, exchange: Exchange) -> None:
        self._exchange = exchange

    @property
    def body(self) -> bytes:  # type: ignore[override]
        """The body as bytes."""
        self.reads.of(self.content).body = True
        return super().body

    @property
    def json(self) -> Any:
        """The whole document."""
        looks = self.reads.of(self.content)
        looks.body = True
        looks.headers.add("content-type")
        return super().json

    def read(self, kind: Any, *path: str | int, **options: Any) -> Any:
        """Read a member, and note it; of a struct those members are read that it names."""
        self._note(kind, path)
        return super().read(kind, *path, **options)

    def each(self, kind: Any, *path: str | int) -> list[Any]:
        """Read one member of every item, and note it alone."""
        *way, member = path
        self._note(None, tuple(way))
        self._note(kind, (*way, EVERY, member))
        self._is_quiet = True
        try:
            return super().each(kind, *path)
        finally:
            self._is_quiet = False

    def has(self, *path: str | int) -> bool:
        """Look for a member, and note it."""
        self._note(None, path)
        return super().has(*path)

    def header(self, name: str) -> str | None:
        """Look for a header, and note it."""
        self.reads.of(self.content).headers.add(name.lower())
        return super().header(name)

    def _note(self, kind: Any, path: Path) -> None:
        if self._is_quiet:
            return
        looks, general = self.reads.of(self.content), _general(path)
        looks.headers.add("content-type")
        looks.members |= {(general + inner, whole) for inner, whole in _members_of(kind)}
        looks.body |= self.status >= _SERVER_ERROR  # what it says of its cause is looked for


def noting(reads: Reads) -> type[NotingReply]:
    """The type of the replies of one rehearsal."""
    return type("Noting", (NotingReply,), {"reads": reads})


def _general(path: Path) -> Path:
    return tuple(EVERY if isinstance(key, int) else key for key in path)


def _members_of(kind: Any, within: tuple[Any, ...] = ()) -> list[tuple[Path, bool]]:
    """The members below a value of some type, and whether all that is below counts as read."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in _SCALARS or origin is Literal:
        return [((), False)]
    if _is_plain_struct(kind) and kind not in within:
        parts = [(field.encode_name, field.type) for field in msgspec.structs.fields(kind)]
        below = (_below(name, part, (*within, kind)) for name, part in parts)
        return [((), False), *(each for there in below for each in there)]
    if origin in (list, set, frozenset) and arguments:
        return [((), False), *_below(EVERY, arguments[0], within)]
    if origin in (Union, UnionType):
        return [each for argument in arguments for each in _members_of(argument, within)]
    if hasattr(kind, "__metadata__"):
        return _members_of(arguments[0], within)
    return [((), True)]  # whatever it is made of, all of it


def _is_plain_struct(kind: Any) -> bool:
    """Whether a struct looks at the members that it names, and at nothing else."""
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return False
    config = kind.__struct_config__
    return config.tag is None and not (config.array_like or config.forbid_unknown_fields)


def _below(key: str, kind: Any, within: tuple[Any, ...]) -> list[tuple[Path, bool]]:
    return [((key, *path), whole) for path, whole in _members_of(kind, within)]
