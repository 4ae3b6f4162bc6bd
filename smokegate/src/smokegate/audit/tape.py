"""The recorded exchanges of one owner, and how a replay finds the right one.

A request is matched by method, URL, credentials and body, in the owner's own order, so that a
value that was broken in one reply cannot bring another exchange into play by accident.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Literal

from smokegate.audit.content import Content, content_of
from smokegate.audit.endpoints import endpoint_of
from smokegate.audit.recording import Recorded
from smokegate.client.record import record
from smokegate.client.redaction import is_secret_header
from smokegate.client.transport import Answer, Headers, Request
from smokegate.client.whose import Place, describe

_REFUSALS = (401, 403, 404)
_UNAUTHORIZED, _NOT_FOUND = 401, 404
_TITLES = {_UNAUTHORIZED: "Unauthorized", _NOT_FOUND: "Not Found"}
_SUCCESS = range(200, 300)

Key = tuple[Any, ...]
Group = Literal["success", "refusal"]
Change = Callable[["Entry"], Content]


class Entry:
    """One recorded exchange, ready to be delivered again.

    `endpoint` is its method and path template; `group` says whether the target said yes: then its
    body has another form than that of a refusal.
    """

    __slots__ = ("content", "endpoint", "group", "key", "likeness", "owner", "recorded", "who")

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self.owner = recorded.owner
        self.endpoint = endpoint_of(recorded.request)
        self.content = content_of_recorded(recorded)
        self.group: Group = "success" if self.content.status in _SUCCESS else "refusal"
        self.key = key_of(recorded.request)
        self.who = credentials_of(recorded.request)
        self.likeness = likeness_of(recorded.request)

    @property
    def number(self) -> int:
        """Its number among its owner's exchanges, from 1."""
        return self.recorded.number


class Library:
    """All entries of a recording, for requests that their owner did not make when it was live."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._alike: dict[Key, Entry] = {}
        self._refusals: dict[tuple[str, int], Entry] = {}
        self._known: set[Key] = set()
        for entry in entries:
            self._alike.setdefault(entry.likeness, entry)
            if entry.group == "success":
                self._known.add(entry.who)
            if entry.content.status in _REFUSALS:
                for place in entry.endpoint, "":
                    self._refusals.setdefault((place, entry.content.status), entry)

    def alike(self, request: Request) -> Entry | None:
        """What the target said to such a request of another owner."""
        return self._alike.get(likeness_of(request))

    def refusal(self, request: Request) -> Entry:
        """How the target would refuse a request that nobody made."""
        status = _NOT_FOUND if credentials_of(request) in self._known else _UNAUTHORIZED
        endpoint = endpoint_of(request)
        for place in endpoint, "":
            if (place, status) in self._refusals:
                return self._refusals[place, status]
        return _synthetic(request, status)


class Tape:
    """The entries of one owner, in its own order."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.exact: dict[Key, list[Entry]] = defaultdict(list)
        self.alike: dict[Key, list[Entry]] = defaultdict(list)
        for entry in entries:
            self.exact[entry.key].append(entry)
            self.alike[entry.likeness].append(entry)


class Playback:
    """One attempt's way through its owner's tape.

    `has_diverged` says that a request had another body than the recorded one, or was one of another
    owner's: what it was answered is a guess. `is_exact` says that every request was recorded.
    """

    def __init__(self, tape: Tape, library: Library, change: Change | None = None) -> None:
        self._tape = tape
        self._library = library
        self._change = change
        self._taken: dict[Key, int] = {}
        self.has_diverged = False
        self.is_exact = True
        self.delivered: list[Entry] = []

    @property
    def is_whole(self) -> bool:
        """Whether each recorded exchange was delivered once, and nothing else was asked."""
        return self.is_exact and len(self.delivered) == len(self._tape.entries)

    def deliver(self, request: Request) -> tuple[Content, bool]:
        """Find the reply to a request, and say whether it was asked beyond the recording."""
        entry, beyond = self._find(request)
        self.delivered.append(entry)
        return (entry.content if self._change is None else self._change(entry)), beyond

    def _find(self, request: Request) -> tuple[Entry, bool]:
        key = key_of(request)
        entries = self._tape.exact.get(key)
        if entries is not None:
            return self._next(key, entries)
        self.is_exact = False
        likeness = likeness_of(request)
        entries = self._tape.alike.get(likeness)
        if entries is not None:
            self.has_diverged = True
            return self._next(likeness, entries)
        alike = self._library.alike(request)
        self.has_diverged |= alike is not None
        return alike or self._library.refusal(request), True

    def _next(self, key: Key, entries: list[Entry]) -> tuple[Entry, bool]:
        number = self._taken.get(key, 0)
        if number < len(entries):
            self._taken[key] = number + 1
            return entries[number], False
        self.is_exact = False
        return entries[-1], True


class LenientPlayback(Playback):
    """Follows a recording whose requests still hold what its replies no longer say.

    What was live matters: the order, the method and, where they are the same, URL and body.
    """

    def __init__(self, tape: Tape, library: Library) -> None:
        super().__init__(tape, library)
        self._left = list(tape.entries)
        self.requests: list[Request] = []

    def is_own(self, entry: Entry) -> bool:
        """Whether an entry is on the owner's own tape."""
        return any(entry is each for each in self._tape.entries)

    def deliver(self, request: Request) -> tuple[Content, bool]:
        """Find the reply to a request, which is kept."""
        self.requests.append(request)
        return super().deliver(request)

    def _find(self, request: Request) -> tuple[Entry, bool]:
        for likeness in _LIKENESSES:
            wanted = likeness(request)
            for entry in self._left:
                if likeness(entry.recorded.request) == wanted:
                    self._left.remove(entry)
                    return entry, False
        self.is_exact = False
        return self._library.alike(request) or self._library.refusal(request), True


def key_of(request: Request) -> Key:
    """Everything that a request says."""
    return (request.method, request.url, request.body, *request.headers)


# In which order a request is looked for that may have said something else when it was live.
_LIKENESSES: tuple[Callable[[Request], object], ...] = (
    key_of,
    lambda request: (request.method, request.url, request.body),
    lambda request: (request.method, request.url),
    endpoint_of,
)


def credentials_of(request: Request) -> Key:
    """In whose name a request is made."""
    return tuple(value for name, value in request.headers if _is_secret(name))


def likeness_of(request: Request) -> Key:
    """What a request asks for and in whose name, whatever its body."""
    return (request.method, request.url, credentials_of(request))


@lru_cache(maxsize=1_000)
def _is_secret(name: str) -> bool:
    return is_secret_header(name)


def content_of_recorded(recorded: Recorded) -> Content:
    """Put a recorded exchange together as a client would have."""
    answer, failure = recorded.answer, recorded.answer.failure
    exchange = record(
        recorded.number,
        request=recorded.request,
        answer=answer,
        body=answer.body,
        started_s=0.0,
        trouble=describe(failure.kind, failure.detail, Place(lets_in=True)) if failure else None,
    )
    return content_of(exchange, answer.body)


def _synthetic(request: Request, status: int) -> Entry:
    """A refusal of a kind that was never recorded (RFC 9457)."""
    body = f'{{"type":"about:blank","title":"{_TITLES[status]}","status":{status}}}'.encode()
    headers: Headers = [("content-type", "application/problem+json")]
    answer = Answer(status=status, headers=headers, body=body, http_version="HTTP/1.1", sends=1)
    return Entry(Recorded(owner="", number=1, request=request, answer=answer))
