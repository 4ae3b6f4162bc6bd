"""The processes of a campaign: started, killed at random, replaced, and asked to end."""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.system.history_campaign.writer import write

WRITERS = 8
_KILLED_EVERY_S = 0.6
_POLL_S = 0.02
_FORK = multiprocessing.get_context("fork")  # a new one writes at once


class Campaign:
    """Eight writers, of which one is killed now and then and another takes its place."""

    def __init__(self, url: str, folder: Path, seed: str) -> None:
        self.ledgers = folder
        self.journals = folder / "journals"
        self.journals.mkdir(parents=True)
        self._url = url
        self._luck = random.Random(seed)
        self._started = 0
        self._kills = 0

    def run(self, seconds: float) -> None:
        """Let them write for a time that begins when all of them have written."""
        writers = [self._start() for _ in range(WRITERS)]
        while len(list(self.ledgers.glob("*.ledger"))) < WRITERS:
            time.sleep(_POLL_S)
        ends = time.monotonic() + seconds
        while (left_s := ends - time.monotonic()) > 0:
            time.sleep(min(left_s, self._luck.uniform(0, 2 * _KILLED_EVERY_S)))
            self._kill_one(writers)
        for writer in writers:
            writer.terminate()
        for writer in writers:
            writer.join()
        told = (0, -signal.SIGTERM)  # the second, where it had not begun yet
        failed = [writer.name for writer in writers if writer.exitcode not in told]
        assert not failed, f"writers that ended by themselves: {failed}"

    def in_words(self) -> str:
        """How much there was."""
        lines = sum(len(each.read_bytes().splitlines()) for each in self.ledgers.glob("*.ledger"))
        return f"{lines} times remembered by {self._started} processes, {self._kills} killed"

    def _start(self) -> BaseProcess:
        self._started += 1
        arguments = (self._url, self.ledgers, self.journals, self._started)
        writer = _FORK.Process(target=write, args=arguments)
        writer.start()
        return writer

    def _kill_one(self, writers: list[BaseProcess]) -> None:
        place = self._luck.randrange(len(writers))
        assert writers[place].is_alive(), "a writer ended by itself"
        writers[place].kill()
        writers[place].join()
        self._kills += 1
        writers[place] = self._start()
