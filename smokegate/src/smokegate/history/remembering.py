"""Remembering runs: in the database, or in a file beside it until the database is there again."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from smokegate import journal
from smokegate.errors import HistoryError
from smokegate.history import NOWHERE
from smokegate.history.aside import Remembered
from smokegate.history.database import in_one_line
from smokegate.history.last_good import last_good
from smokegate.history.store import Store
from smokegate.results import JudgedRun, from_json, look_at_types, to_json
from smokegate.settings import Settings
from smokegate.whole_file import write_whole

_FILE = "history.db"
_SPOOL = "not-yet-remembered"
_TAKEN_IN_AT_ONCE = 100  # so that no run waits long for those before it


def url_of(settings: Settings) -> str:
    """The URL of the history: the one that is set, or a file in the user's state folder.

    Empty where nothing is to be remembered.
    """
    if settings.history == NOWHERE:
        return ""
    return settings.history or f"sqlite:///{journal.folder(settings.journal) / _FILE}"


def remember(run: JudgedRun, settings: Settings, store: Store | None = None) -> Remembered:
    """Take a run into the history, with those that could not be before.

    A run that cannot be stored is kept in a file, and taken in by a later one. A store that is open
    already stays open.
    """
    url = url_of(settings)
    if not url:
        return Remembered()
    try:
        there = store or opened(url)
    except Exception as error:  # a bug in storing must not lose the run
        return Remembered(keep_for_later(run, settings, error), is_away=True)
    try:
        there.remember(run)
        trouble = _take_in(there, _spool(settings))
    except Exception as error:
        return Remembered(keep_for_later(run, settings, error), is_away=True)
    else:
        return _beside_the_last_good(there, run, trouble)
    finally:
        if store is None:
            there.close()


def _beside_the_last_good(store: Store, run: JudgedRun, trouble: str) -> Remembered:
    try:
        with store.reading() as connection:
            return Remembered(trouble, last_good(connection, run))
    except HistoryError as error:
        return Remembered(trouble or f"the run is compared with no earlier one: {error}")


def opened(url: str) -> Store:
    """Open a history, whose schema is made or brought up to date.

    Raises `HistoryError`.
    """
    store = Store(url)
    try:
        store.prepare()
    except Exception:
        store.close()
        raise
    return store


def make_ready(settings: Settings) -> None:
    """Import what the history takes, its driver too; what fails now is met again by `remember`.

    Nothing is connected to: who waits for a database does so once, when there is a run.
    """
    with suppress(Exception):
        Store(url_of(settings))
    look_at_types()


def keep_for_later(run: JudgedRun, settings: Settings, why: Exception) -> str:
    """Keep a run in a file, whole or not at all, and say where, and why it had to be."""
    spool = _spool(settings)
    try:
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(spool / f"{run.run_id}.json", to_json(run), mode=0o600)
        then = f"it is kept in {spool} and taken in by a later run"
    except OSError as error:
        then = f"nor could it be kept for later: {error.filename}: {error.strerror or error}"
    return f"the run is not in the history yet: {_said(why)}; {then}"


def _spool(settings: Settings) -> Path:
    return journal.folder(settings.journal) / _SPOOL


def _said(error: Exception) -> str:
    """The trouble in one line; a bug with the name of its exception."""
    if isinstance(error, HistoryError):
        return str(error)
    return f"{type(error).__name__}: {in_one_line(error)}"


def _take_in(store: Store, spool: Path) -> str:
    """Take in runs that could not be stored when they were made; say which cannot be at all."""
    unreadable: list[str] = []
    why: Exception | None = None
    try:
        for file in sorted(spool.glob("*.json"))[:_TAKEN_IN_AT_ONCE]:
            try:
                unreadable += [] if _took_in(store, file) else [file.name]
            except (HistoryError, OSError):
                raise
            except Exception as error:  # a bug with one run must not keep out those after it
                why = why or error
    except Exception as error:
        why = error
    if why:
        return f"earlier runs are not in the history yet, they stay in {spool}: {_said(why)}"
    if unreadable:
        return f"{spool}: {', '.join(unreadable)}: not a run, and not taken into the history"
    return ""


def _took_in(store: Store, file: Path) -> bool:
    """Take in one run and remove its file; false for what is no run, which is set aside."""
    try:
        store.remember(from_json(file.read_bytes()))
        file.unlink()
    except FileNotFoundError:
        return True  # another runner was quicker
    except (msgspec.DecodeError, ValueError):
        with suppress(FileNotFoundError):
            file.replace(file.with_suffix(".unreadable"))
        return False
    return True
