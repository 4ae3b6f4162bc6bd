"""What a run creates at the target, written down before it is requested.

One file per run, one JSON line per event, no secrets. A run holds a lock on its file while it
lives; `sweep` takes over what a dead run left. The file goes when nothing of it is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from smokegate.errors import JournalError
from smokegate.file_lock import discard, lock, publish

_SUFFIX = ".journal"
_FORMAT = 1


class Creation(msgspec.Struct, kw_only=True):
    """Something that was asked to be created.

    `made` is None while nobody but the target knows whether it came to be.
    """

    entry: int
    kind: str
    name: str
    owner: str = ""
    made: bool | None = None
    removed: bool = False

    @property
    def may_exist(self) -> bool:
        """Whether it has to be removed still."""
        return self.made is not False and not self.removed


class Header(msgspec.Struct, kw_only=True):
    """The first line of a journal: what `sweep` needs to know to clean up."""

    run_id: str
    url: str
    ca_file: str
    suites: list[str]
    password_check: str = ""  # 16 bits that tell another TEST_PASSWORD, and not the password
    format: int = _FORMAT


def folder(setting: str) -> Path:
    """The folder of the journals: the one that is set, or one in the user's state folder."""
    if setting:
        return Path(setting)
    if sys.platform == "win32":
        state = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "smokegate" / "journal"


class Journal:
    """The journal of a run that is alive; creates its file with the first creation.

    `intend` returns when its line is on the disk. Lines that arrive together are flushed
    together, by one thread.
    """

    def __init__(self, place: Path, header: Header) -> None:
        self.creations: list[Creation] = []
        self.run_id = header.run_id
        self._path = place / f"{header.run_id}{_SUFFIX}"
        self._header = header
        self._lines: queue.SimpleQueue[tuple[Any, asyncio.Future[None] | None] | None]
        self._lines = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def intend(self, kind: str, name: str, owner: str) -> int:
        """Write down what is about to be created, and give its number."""
        creation = Creation(entry=len(self.creations), kind=kind, name=name, owner=owner)
        self.creations.append(creation)
        written = asyncio.get_running_loop().create_future()
        try:
            self._write(creation, written)
            await written
        except BaseException:
            creation.made = False  # the request is not sent
            raise
        return creation.entry

    def settle(self, entry: int, made: bool | None) -> None:
        """Say whether it was made."""
        self.creations[entry].made = made
        self._write(self.creations[entry], None)

    def removed(self, creation: Creation) -> None:
        """Say that it is gone from the target."""
        creation.removed = True
        self._write(creation, None)

    def close(self) -> None:
        """Flush what is left; the file goes if nothing is left at the target."""
        if self._thread is None:
            return
        self._lines.put(None)
        self._thread.join()

    @property
    def pending(self) -> list[Creation]:
        """What may still exist at the target, the youngest first."""
        return [creation for creation in reversed(self.creations) if creation.may_exist]

    def _write(self, creation: Creation, written: asyncio.Future[None] | None) -> None:
        if self._thread is None:
            self._loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
            self._thread.start()
        self._lines.put((msgspec.json.encode(creation), written))

    def _work(self) -> None:
        """The writer thread: one flush for all lines that are waiting."""
        file: IO[bytes] | None = None
        failure: JournalError | None = None
        try:
            file = _create(self._path, self._header)
        except (OSError, ValueError) as error:  # a name that is no UTF-8 cannot be written
            failure = self._failed(error)
        for batch in self._batches():
            if file is not None and failure is None:
                try:
                    _append(file, b"".join(line + b"\n" for line, _ in batch))
                except OSError as error:
                    failure = self._failed(error)
            self._tell(batch, failure)
        if file is not None:
            with contextlib.suppress(OSError):  # what could not be written is known by now
                _leave(file, self._path, keep=bool(self.pending))

    def _failed(self, error: OSError | ValueError) -> JournalError:
        return JournalError(f"journal {self._path}: {getattr(error, 'strerror', None) or error}")

    def _batches(self) -> Iterator[list[tuple[Any, asyncio.Future[None] | None]]]:
        while (item := self._lines.get()) is not None:
            batch = [item]
            while not self._lines.empty():
                following = self._lines.get()
                if following is None:
                    yield batch
                    return
                batch.append(following)
            yield batch

    def _tell(
        self,
        batch: list[tuple[Any, asyncio.Future[None] | None]],
        error: JournalError | None,
    ) -> None:
        assert self._loop is not None  # noqa: S101 - set before the thread was started
        for _, written in batch:
            if written is not None:
                self._loop.call_soon_threadsafe(_resolve, written, error)


class Abandoned:
    """The journal of a run that has died, held under its lock while it is swept."""

    def __init__(self, path: Path, file: IO[bytes], header: Header, creations: list[Creation]):
        self.path = path
        self.header = header
        self.creations = creations
        self._file = file

    @property
    def pending(self) -> list[Creation]:
        """What may still exist at the target, the youngest first."""
        return [creation for creation in reversed(self.creations) if creation.may_exist]

    def removed(self, creation: Creation) -> None:
        """Say that it is gone from the target; on disk when this returns."""
        creation.removed = True
        _append(self._file, msgspec.json.encode(creation) + b"\n")

    def close(self) -> None:
        """Give up the lock; the file goes if nothing of it is left."""
        _leave(self._file, self.path, keep=bool(self.pending))


def abandoned(place: Path) -> Iterator[Abandoned | JournalError]:
    """Take over the journals of dead runs, one after the other; the living are passed by.

    A journal that cannot be read is given as the error that says so: it is never deleted.
    """
    for path in sorted(place.glob(f"*{_SUFFIX}")):
        try:
            file = path.open("r+b", buffering=0)
        except OSError as error:
            yield JournalError(f"{path}: {error.strerror}")
            continue
        if not lock(file):
            file.close()
            continue
        try:
            yield _read(path, file)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            file.close()
            yield JournalError(f"{path} is not a journal that this version can read: {error}")


def _read(path: Path, file: IO[bytes]) -> Abandoned:
    lines = file.read().split(b"\n")
    header = msgspec.json.decode(lines[0], type=Header)
    if header.format != _FORMAT:
        raise msgspec.ValidationError(f"its format is {header.format}")
    creations: dict[int, Creation] = {}
    for line in lines[1:-1]:
        creation = msgspec.json.decode(line, type=Creation)
        creations[creation.entry] = creation
    # What follows the last line break was being written when the run died: never requested.
    # It goes, or the next line would be joined to it.
    file.seek(-len(lines[-1]), os.SEEK_END)
    file.truncate()
    return Abandoned(path, file, header, [creations[entry] for entry in sorted(creations)])


def _create(path: Path, header: Header) -> IO[bytes]:
    """Make the file under another name first: under its own it is never seen without its lock."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    file = os.fdopen(descriptor, "r+b", buffering=0)
    try:
        lock(file)
        _append(file, msgspec.json.encode(header) + b"\n")
        return publish(file, unfinished, path)
    except (OSError, ValueError):
        discard(file, unfinished)
        raise


def _append(file: IO[bytes], lines: bytes) -> None:
    """Write lines to the end of a file; they are on the disk when this returns."""
    file.seek(0, os.SEEK_END)
    while lines:
        lines = lines[file.write(lines) :]
    os.fsync(file.fileno())


def _leave(file: IO[bytes], path: Path, *, keep: bool) -> None:
    """Close a file and, unless it is kept, remove it."""
    if keep:
        file.close()
    else:
        discard(file, path)


def _resolve(written: asyncio.Future[None], error: JournalError | None) -> None:
    if written.done():
        return
    if error:
        written.set_exception(error)
    else:
        written.set_result(None)
