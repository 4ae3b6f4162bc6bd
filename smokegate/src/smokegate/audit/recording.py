"""A recording: every exchange of one live run with its owner, which replays offline.

Its file is JSON and holds stand-ins instead of secrets, so that it can be kept with a release.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from smokegate.client import Session
from smokegate.client.body import decoded
from smokegate.client.transport import Address, Answer, Request, Transport
from smokegate.client.trouble import WORDS
from smokegate.errors import UsageError
from smokegate.settings import check_url
from smokegate.whole_file import write_named

SCHEMA = 1


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange: whose it is, its number among its owner's, what was sent and what came.

    The body of the answer is decompressed. An owner is a check by its id or a resource by its name.
    """

    owner: str
    number: int
    request: Request
    answer: Answer


class Volatile(msgspec.Struct, frozen=True):
    """A place in a reply whose value was another in a second live run.

    `part` is "field" with the path of a member, or "header" with its name in lower case.
    """

    owner: str
    number: int
    part: str
    path: tuple[str | int, ...]


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """What one live run sent and received.

    `suites` tells by a digest of which version of the suites it is; `outcomes` how each check
    ended when it was live. In memory it holds what was really said; in its file there are stand-ins
    for secrets, `secrets` among them for those of the settings, by their keys.
    """

    schema: int = SCHEMA
    tool: str
    run_id: str
    url: str
    recorded_at: str
    suites: dict[str, str]
    outcomes: dict[str, str]
    test_password: str
    secrets: dict[str, Any] = {}
    exchanges: list[Recorded]
    volatile: list[Volatile] = []


class Recorder:
    """A transport that keeps what passes through another."""

    def __init__(self, session: Session) -> None:
        self._through: Transport = session.transport
        self._most_decoded_bytes = session.settings.max_decoded_bytes
        self.redactor = session.redactor
        self._kept: list[tuple[Request, Answer | None]] = []

    async def send(self, request: Request) -> Answer:
        """Send, and keep the request in its place whenever the answer comes."""
        place = len(self._kept)
        self._kept.append((request, None))
        answer = await self._through.send(request)
        self._kept[place] = (request, answer)
        return answer

    async def resolve(self, url: str) -> list[Address]:
        """Give the IP addresses of a URL's host, as the transport behind does."""
        return await self._through.resolve(url)

    async def close(self) -> None:
        """Close the transport behind."""
        await self._through.close()

    def first_attempts(self, owners: set[str]) -> list[Recorded]:
        """The exchanges of the first attempts at some checks and resources, in order."""
        counts: dict[str, int] = {}
        recorded = []
        for request, answer in self._kept:
            owner, _, number = request.owner.rpartition("#")
            if owner not in owners or number != "1" or answer is None:
                continue
            counts[owner] = counts.get(owner, 0) + 1
            recorded.append(
                Recorded(
                    owner=owner,
                    number=counts[owner],
                    request=msgspec.structs.replace(request, owner=""),
                    answer=self._decompressed(answer),
                )
            )
        return recorded

    def _decompressed(self, answer: Answer) -> Answer:
        body = decoded(answer, self._most_decoded_bytes)
        if body is answer.body:
            return answer
        if isinstance(body, bytes):
            headers = [each for each in answer.headers if each[0].lower() != "content-encoding"]
            return msgspec.structs.replace(answer, body=body, headers=headers)
        return msgspec.structs.replace(answer, body=b"", failure=body)


def load(path: Path) -> Recording:
    """Read a recording; raises `UsageError`, in one line, for what is none."""
    try:
        recording = msgspec.json.decode(path.read_bytes(), type=Recording)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"{path}: not a recording of smokegate audit: {error}") from None
    _refuse_nonsense(recording, path)
    if recording.schema != SCHEMA:
        raise UsageError(
            f"{path}: a recording of schema {recording.schema}, and this smokegate reads {SCHEMA}; "
            "record again"
        )
    return recording


def _refuse_nonsense(recording: Recording, path: Path) -> None:
    try:
        check_url(recording.url, str(path))
        for recorded in recording.exchanges:
            parts = urlsplit(recorded.request.url)
            if not parts.hostname or parts.port == 0:
                raise UsageError(
                    f"{path}: not a recording: {recorded.request.url[:60]!r} is no URL"
                )
            failure = recorded.answer.failure
            if failure is not None and failure.kind not in WORDS:
                raise UsageError(f"{path}: not a recording: there is no trouble {failure.kind!r}")
    except ValueError as error:
        raise UsageError(f"{path}: not a recording of smokegate audit: {error}") from None


def save(recording: Recording, path: Path) -> None:
    """Write a recording; raises `UsageError`, in one line, if that cannot be done."""
    try:
        write_named(path, msgspec.json.encode(recording) + b"\n")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
