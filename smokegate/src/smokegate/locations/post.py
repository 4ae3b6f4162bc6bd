"""A driver's way to the workers: parts of a run go out, their results are looked for."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from math import ceil
from typing import TypeVar

from smokegate.client.redaction import Redactor
from smokegate.errors import BrokerError
from smokegate.locations import messages
from smokegate.locations.broker import Patience, broker_of
from smokegate.locations.logs import password_of
from smokegate.locations.messages import Ask
from smokegate.reports.escaping import one_line
from smokegate.settings import Settings

# Whoever waits for a verdict must not wait for a broker that is away: a signal ends it within 6 s.
_PATIENCE = Patience(silent_s=2.0, retries=1)

Value = TypeVar("Value")


class Post:
    """Sends and looks; raises `BrokerError`, in words without the password, where it cannot."""

    def __init__(self, settings: Settings) -> None:
        self._broker = broker_of(settings, _PATIENCE)
        weakref.finalize(self, self._broker.close)
        self._wait_s = settings.location_wait_s
        self._redactor = Redactor()
        self._redactor.add(password_of(settings.broker))

    def send(self, run_id: str, location: str, ask: Ask, limit_s: float) -> None:
        """Ask a location for its part, whose process is killed after some seconds.

        Nobody takes it later than `location_wait_s` from now.
        """
        asked = messages.plain(ask)
        self._tried(
            lambda: self._broker.send(
                run_id, location, asked, wait_s=self._wait_s, limit_s=ceil(limit_s)
            )
        )

    def is_taken(self, run_id: str) -> bool:
        """Whether a worker has begun with a part of a run."""
        return self._tried(lambda: self._broker.is_taken(run_id))

    def withdraw(self, run_id: str) -> bool:
        """Take a part of a run back; False if a worker has begun with it."""
        return self._tried(lambda: self._broker.take(run_id))

    def result(self, run_id: str) -> bytes | None:
        """The result of a part once it is there, empty if it is too large."""
        return self._tried(lambda: self._broker.result(run_id))

    def forget(self, run_id: str) -> None:
        """Leave nothing of a part at the broker; what comes of it later is lost."""
        self._tried(lambda: self._broker.forget(run_id))

    def _tried(self, work: Callable[[], Value]) -> Value:
        try:
            return work()
        except self._broker.failures as error:
            words = self._redactor.text(one_line(str(error), 200))
            raise BrokerError(f"the broker cannot be reached: {words}") from None
