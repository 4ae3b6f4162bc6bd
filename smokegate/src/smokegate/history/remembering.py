"""Remembering runs: in the database, or in a file beside it until the database is there again."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from smokegate import journal
from smokegate.errors import HistoryError
from smokegate.history.store import Store
from smokegate.results import JudgedRun, from_json, to_json
from smokegate.settings import Settings

NOWHERE = "none"
_FILE = "history.db"
_SPOOL = "not-yet-remembered"


def url_of(settings: Settings) -> str:
    """The URL of the history: the one that is set, or a file in the user's state folder.

    Empty where nothing is to be remembered.
    """
    if settings.history == NOWHERE:
        return ""
    return settings.history or f"sqlite:///{journal.folder(settings.journal) / _FILE}"


def remember(run: JudgedRun, settings: Settings) -> str:
    """Take a run into the history, with those that could not be before; say what went wrong.

    A run that cannot be stored is kept in a file, and taken in by a later one.
    """
    url = url_of(settings)
    if not url:
        return ""
    spool = journal.folder(settings.journal) / _SPOOL
    try:
        store = opened(url)
        try:
            store.remember(run)
            return _take_in(store, spool)
        finally:
            store.close()
    except HistoryError as error:
        return f"the run is not in the history yet: {error}; {_spooled(run, spool)}"


def opened(url: str) -> Store:
    """Open a history, whose schema is made or brought up to date.

    Raises `HistoryError`.
    """
    store = Store(url)
    try:
        store.prepare()
    except HistoryError:
        store.close()
        raise
    return store


def _spooled(run: JudgedRun, spool: Path) -> str:
    try:
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = spool / f"{run.run_id}.json"
        aside = file.with_suffix(f".{os.getpid()}.part")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as part:
            part.write(to_json(run))
            part.flush()
            os.fsync(part.fileno())
        aside.replace(file)
    except OSError as error:
        return f"nor could it be kept for later: {error.filename}: {error.strerror or error}"
    return f"it is kept in {file} and taken in by a later run"


def _take_in(store: Store, spool: Path) -> str:
    """Take in the runs that could not be stored when they were made."""
    for file in sorted(spool.glob("*.json")) if spool.is_dir() else []:
        try:
            store.remember(from_json(file.read_bytes()))
        except (OSError, msgspec.DecodeError) as error:
            file.rename(file.with_suffix(".unreadable"))
            return f"{file} cannot be taken into the history: {error}"
        file.unlink(missing_ok=True)
    return ""
