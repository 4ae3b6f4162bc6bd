"""What checks read of the replies, noted while a recording is rehearsed.

Two uses: a place that some check reads is never excused as equivalent, and a fault in a place that
an owner does not look at cannot change what it does, so the owner need not be replayed.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path as File
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from smokegate.audit.content import ReplayReply
from smokegate.audit.documents import EVERY, Path
from smokegate.results import Exchange

_SERVER_ERROR = 500
_SCALARS = (None, type(None), str, int, float, bool, bytes, datetime)
_OUR_FOLDER = str(File(__file__).parents[1])


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

    def __init__(self, endpoints: dict[int, str]) -> None:
        self._endpoints = endpoints
        self._of: dict[int, Looks] = defaultdict(Looks)
        self._at: dict[str, list[Looks]] = {}

    def of(self, content: object) -> Looks:
        """What is looked at of one content."""
        return self._of[id(content)]

    def reads_member(self, endpoint: str, path: Path) -> bool:
        """Whether some check reads a member in a reply of an endpoint, and not just its text."""
        general = _general(path)
        return any(
            seen == general or (whole and seen and general[: len(seen)] == seen)
            for looks in self._there(endpoint)
            for seen, whole in looks.members
        )

    def reads_header(self, endpoint: str, name: str) -> bool:
        """Whether some check asks an endpoint's replies for a header; no endpoint is any."""
        return any(name in looks.headers for looks in self._there(endpoint))

    def _there(self, endpoint: str) -> list[Looks]:
        if endpoint not in self._at:
            self._at[endpoint] = [
                looks
                for place, looks in self._of.items()
                if endpoint in ("", self._endpoints.get(place))
            ]
        return self._at[endpoint]


class NotingReply(ReplayReply):
    """A reply that notes what is read of it."""

    reads: Reads
    _is_quiet = False

    @property
    def exchange(self) -> Exchange:
        """The exchange; whoever takes it may look at anything in it."""
        if not sys._getframe(1).f_code.co_filename.startswith(_OUR_FOLDER):
            self.reads.of(self.content).everything = True
        return self._exchange

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
        document = self._json(None)
        for key in path:
            try:
                document = document[key]
            except (KeyError, IndexError, TypeError):
                return False
        return True

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


def _members_of(kind: Any) -> list[tuple[Path, bool]]:
    """The members below a value of some type, and whether all that is below counts as read."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in _SCALARS or origin is Literal:
        return [((), False)]
    if _is_struct(kind) or _is_struct(origin):
        parts = [(field.encode_name, field.type) for field in msgspec.structs.fields(kind)]
        return [((), False), *(each for name, part in parts for each in _below(name, part))]
    if origin in (list, tuple, set, frozenset) and arguments:
        return [((), False), *_below(EVERY, arguments[0])]
    if origin in (Union, UnionType):
        return [each for argument in arguments for each in _members_of(argument)]
    if hasattr(kind, "__metadata__"):
        return _members_of(arguments[0])
    return [((), True)]  # whatever it is made of, all of it


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _below(key: str, kind: Any) -> list[tuple[Path, bool]]:
    return [((key, *path), whole) for path, whole in _members_of(kind)]
