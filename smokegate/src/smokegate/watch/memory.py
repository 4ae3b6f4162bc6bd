"""What a watch remembers, and the file from which it goes on after a restart."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec

from smokegate import journal
from smokegate.errors import UsageError
from smokegate.file_lock import discard, lock
from smokegate.settings import Settings
from smokegate.watch.budget import Budget
from smokegate.watch.conclusion import Conclusion, Ending
from smokegate.watch.rounds import Round
from smokegate.watch.schedule import Schedule
from smokegate.watch.standing import Change, Standing
from smokegate.whole_file import write_whole

SCHEMA = 1


class Watched(msgspec.Struct, kw_only=True):
    """A watch from its beginning to now: what a restart goes on with, and what `--json` gets.

    `light` are the checks of every round; a full one says which they are. `flapped` says that
    failures which no second look confirmed burnt the budget; `left` is what could not be removed.
    """

    target: str
    environment: str
    started_at: str
    started_s: float  # since 1970
    schedule: Schedule
    objective: float
    standing: Standing = msgspec.field(default_factory=Standing)
    rounds: list[Round] = msgspec.field(default_factory=list)
    changes: list[Change] = msgspec.field(default_factory=list)
    light: list[str] = msgspec.field(default_factory=list)
    partial: bool = False
    flapped: bool = False
    left: list[str] = msgspec.field(default_factory=list)
    budget: Budget | None = None
    conclusion: Conclusion | None = None
    schema: int = SCHEMA

    @property
    def done(self) -> int:
        """The last slot that was done; -1 before the first."""
        return self.rounds[-1].slot if self.rounds else -1

    @property
    def last_full(self) -> int | None:
        """The slot of the last full round, or of a full look after it; None before the first."""
        return next((each.slot for each in reversed(self.rounds) if each.full), None)

    @property
    def has_ended_well(self) -> bool:
        """Whether it came to its end, and the target stands so that the gate is open."""
        state, conclusion = self.standing.state, self.conclusion
        is_complete = conclusion is not None and conclusion.ending is Ending.COMPLETE
        return is_complete and state is not None and state.opens_the_gate

    def last_s(self) -> float:
        """When its last look began, in seconds since 1970."""
        return self.started_s + (self.rounds[-1].at_s if self.rounds else 0.0)

    def ends_s(self) -> float:
        """When its last round is due, in seconds since 1970."""
        return self.started_s + self.schedule.due_s(self.schedule.last)


class Memory:
    """The file of one watch, which is one process's at a time."""

    def __init__(self, settings: Settings) -> None:
        name = f"{settings.url}\0{settings.environment}\0{_deployment(settings)}"
        stem = hashlib.sha256(name.encode()).hexdigest()[:32]
        self._folder = journal.folder(settings.journal) / "watches"
        self.path = self._folder / f"{stem}.json"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes off the same watch.

        Raises `UsageError` where there is one, or where nothing can be written.
        """
        guard = self.path.with_suffix(".lock")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = guard.open("a+b", buffering=0)
        except OSError as error:
            raise UsageError(f"{guard} cannot be written: {error.strerror}") from None
        if not (lock(file) and _is_there(file, guard)):
            file.close()
            raise UsageError("watch: another process watches this deployment already")
        try:
            yield
        finally:
            discard(file, guard)

    def unfinished(self) -> Watched | None:
        """The watch that was not finished, if there is one that this version can read."""
        try:
            found = msgspec.json.decode(self.path.read_bytes(), type=Watched)
        except (OSError, msgspec.DecodeError, ValueError, RecursionError):
            return None
        return found if found.schema == SCHEMA and found.rounds else None

    def keep(self, watched: Watched) -> None:
        """Write down how far a watch has come; raises `OSError`."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self.path, msgspec.json.encode(watched), mode=0o600)

    def forget(self) -> None:
        """Remove the file: the watch is finished."""
        with suppress(OSError):
            self.path.unlink()


def _is_there(file: IO[bytes], path: Path) -> bool:
    """Whether a file has its name still: who held it before may have removed it as it ended."""
    with suppress(OSError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False


def _deployment(settings: Settings) -> str:
    return settings.deployment or settings.expect_version
