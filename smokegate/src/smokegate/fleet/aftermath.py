"""What becomes of the run of one target of a fleet: its history, its metrics, its own report."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import msgspec

from smokegate.errors import HistoryError
from smokegate.history import NOWHERE
from smokegate.history.remembering import keep_for_later, opened, url_of
from smokegate.history.store import Store
from smokegate.notify import Patience
from smokegate.publication import Publication
from smokegate.results import Action, JudgedRun
from smokegate.settings import Settings
from smokegate.targets import Target

_WITHIN_S = 3.0  # of the six in which a fleet that is interrupted ends
_INTERRUPTED = HistoryError("the fleet was interrupted")


class Aftermath:
    """Takes runs in, one after the other, in one thread.

    A target that is not fine leaves its result files in a folder of its own under `results`; of the
    others the fleet's report says enough. `troubles` are what could not be done, with the number of
    targets of which that is true.
    """

    def __init__(self, results: Path) -> None:
        self._results = results
        self._is_hurried = False
        self._patience = Patience(within_s=_WITHIN_S)
        self._histories: dict[str, Store | HistoryError] = {}
        self.troubles: Counter[str] = Counter()

    def take_in(self, target: Target, run: JudgedRun) -> str:
        """Take a run in; where its own page is, from the folder of the results, if it has one."""
        if self._is_hurried:
            self._put_off(target.settings, run)
            return ""
        history = self._history(target.settings)
        settings = msgspec.structs.replace(
            target.settings,
            results=str(self._results / target.name),
            # One that does not answer is not asked again for every target.
            history=NOWHERE if isinstance(history, HistoryError) else target.settings.history,
        )
        publication = Publication(
            run,
            settings,
            io.StringIO(),
            say=self._note,
            store=history if isinstance(history, Store) else None,
            patience=self._patience,
        )
        written: list[Path] = []
        if run.verdict.action is not Action.PROCEED:
            publication.give_to(lambda: written.extend(publication.write_results()))
        publication.give_to(publication.alert, publication.export, publication.remember)
        if isinstance(history, HistoryError):
            self._note(f"smokegate: {keep_for_later(run, target.settings, history)}")
        pages = [path for path in written if path.suffix == ".html"]
        return str(pages[0].relative_to(self._results)) if pages else ""

    def hurry(self) -> None:
        """From now on only keep runs for the history: a fleet that is interrupted ends in time."""
        self._is_hurried = True

    def close(self) -> None:
        """Close what is open."""
        for history in self._histories.values():
            if isinstance(history, Store):
                history.close()

    def _history(self, settings: Settings) -> Store | HistoryError | None:
        url = url_of(settings)
        if url and url not in self._histories:
            try:
                self._histories[url] = opened(url)
            except HistoryError as error:
                self._histories[url] = error
        return self._histories.get(url)

    def _put_off(self, settings: Settings, run: JudgedRun) -> None:
        if settings.history != NOWHERE:
            self._note(f"smokegate: {keep_for_later(run, settings, _INTERRUPTED)}")

    def _note(self, trouble: str) -> None:
        self.troubles[trouble] += 1
