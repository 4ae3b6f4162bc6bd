"""A resource that is kept from one run to the next, so that not every run has to make one."""

from __future__ import annotations

from typing import Any

from smokegate.engine.cleanup import Ledger
from smokegate.journal import Creation, Journal


class Keeper:
    """Keeps what one resource made, beyond the run that made it.

    `name` is the resource's. What it created stays in the journal of the run that made it: that
    one stays open, so that `sweep` passes it by while this process lives and removes it when not.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: dict[str, Any] = {}  # the resource's value, if one is kept
        self.book: Journal | None = None
        self.creators: set[str] = set()  # checks and resources that created something, last time

    def keep(self, value: Any, book: Journal) -> None:
        """Keep what a run made; the caller has taken what was kept before."""
        self.values, self.book = {self.name: value}, book

    def take(self) -> Journal | None:
        """Give up what is kept: the journal that says what is to be removed, if there is any."""
        book, self.book = self.book, None
        self.values = {}
        return book

    def note(self, book: Journal) -> None:
        """Note who created something in a run."""
        self.creators = {_who(creation) for creation in book.creations}

    def is_kept(self, creation: Creation) -> bool:
        """Whether a thing belongs to what is kept."""
        return bool(self.values) and creation.made is True and _who(creation) == self.name


class Unkept:
    """The part of a journal that is removed at the end of a run that keeps the rest."""

    def __init__(self, ledger: Ledger, keeper: Keeper) -> None:
        self._ledger = ledger
        self._keeper = keeper

    @property
    def pending(self) -> list[Creation]:
        """What may still exist and is not kept, the youngest first."""
        return [each for each in self._ledger.pending if not self._keeper.is_kept(each)]

    def removed(self, creation: Creation) -> None:
        """Say that it is gone."""
        self._ledger.removed(creation)


def _who(creation: Creation) -> str:
    return creation.owner.partition("#")[0]
