"""Where questions are answered: on a history whose schema is still the one that we know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from smokegate.history import schema
from smokegate.history.store import Store
from smokegate.service.access.visitors import Doorkeeper, Visitor
from smokegate.service.asked import Question
from smokegate.service.gate.gate import Gate
from smokegate.service.gate.github import GitHub

T = TypeVar("T")


@dataclass(frozen=True)
class Desk:
    """Has the history and, where runs can be asked for, the gate; and knows who asks.

    `dashboard_url` is where others reach it, empty where that is not known.
    """

    store: Store
    doorkeeper: Doorkeeper
    clock: Callable[[], float]
    gate: Gate | None = None
    github: GitHub | None = None
    dashboard_url: str = ""

    async def ask(
        self, visitor: Visitor, question: Callable[[Question], T], *, writes: bool = False
    ) -> T:
        """Answer a question in a thread, in one transaction.

        Raises `HistoryError` where the history cannot be read, or was changed by a newer smokegate.
        """
        return await run_in_threadpool(self._answer, visitor, question, writes=writes)

    def _answer(self, visitor: Visitor, question: Callable[[Question], T], *, writes: bool) -> T:
        using = self.store.transaction() if writes else self.store.reading()
        with using as connection:
            schema.refuse_changed(connection)
            now_ms = round(self.clock() * 1000)
            return question(Question(connection=connection, visitor=visitor, now_ms=now_ms))
