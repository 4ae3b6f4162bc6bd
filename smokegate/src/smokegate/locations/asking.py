"""Asks locations for their parts of a run, and waits for each as long as it may take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from smokegate import gate
from smokegate.control_run import Earlier
from smokegate.engine import Event, Plan, Waiting
from smokegate.errors import BrokerError
from smokegate.locations import messages
from smokegate.locations.answers import Expected, Unusable
from smokegate.locations.broker import SPARE_S
from smokegate.locations.messages import Ask
from smokegate.locations.one_check import listed
from smokegate.locations.post import Post
from smokegate.results import LocationRun
from smokegate.settings import Settings
from smokegate.signals import Insistence, handled
from smokegate.watchdog import GiveUp

_UNDER_WAY_S = 5.0  # for an answer that was given in time


@dataclass
class _Part:
    """What one location was asked, and how far it is."""

    location: str
    expected: Expected
    taken_s: float | None = None
    seen: LocationRun | None = None

    def unknown(self, reason: str) -> None:
        """There will be no run of it."""
        self.seen = LocationRun(name=self.location, reason=reason)


class Asking:
    """One run's questions to its locations; `interrupted` names the signal that ended it."""

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        run_id: str,
        earlier: Earlier,
        listen: Callable[[Event], None],
        *,
        post: Post | None = None,
        looked_every_s: float = 0.1,
    ) -> None:
        self.run_id = run_id
        self.interrupted = ""
        self._settings = settings
        self._plan = plan
        self._earlier = earlier
        self._listen = listen
        self._looked_every_s = looked_every_s
        self._post = post or Post(settings)
        self._trouble = ""
        self._is_away = False
        self._told: set[str] = set()
        self._limit_s = gate.longest_s(settings) + SPARE_S

    def ask(self, locations: Sequence[str], give_up: GiveUp) -> list[LocationRun]:
        """Ask them all, and give what came back of each, at the latest when its time is over."""

        def again(name: str) -> None:
            give_up(f"{name}, the second signal, ended the run at once: no verdict")

        with handled(Insistence(self.interrupt, again)):
            parts = [self._sent(location) for location in locations]
            sent_s = time.monotonic()
            while any(part.seen is None for part in parts) and not self.interrupted:
                for part in parts:
                    if not self.interrupted:
                        self._look(part, sent_s)
                self._tell(parts)
                time.sleep(self._looked_every_s)
            self._leave(parts)
            return [part.seen or self._left(part) for part in parts]

    def interrupt(self, name: str) -> None:
        """End it early, by a signal of this name."""
        self.interrupted = name

    def _sent(self, location: str) -> _Part:
        settings, checks = self._settings, [check.id for check in self._plan.checks]
        part = _Part(
            location,
            Expected(
                run_id=messages.run_id_at(location, self.run_id),
                target=settings.url,
                suites=self._plan.suites,
                checks=frozenset(checks),
                signing_key=settings.signing_key,
            ),
        )
        ask = Ask(
            run_id=self.run_id,
            target=settings.url,
            expect_version=settings.expect_version,
            checks=checks,
            suites=self._plan.suites,
            tool=gate.TOOL,
            run_timeout_s=settings.run_timeout_s,
            wait_s=settings.wait_s,
            earlier=self._earlier.by_location.get(location, Earlier()),
        )
        self._send(part, ask)
        return part

    def _send(self, part: _Part, ask: Ask) -> None:
        """Send what is asked, unless the broker was away already when others were asked."""
        if self.interrupted:
            return
        try:
            if not self._trouble:
                self._post.send(part.expected.run_id, part.location, ask, self._limit_s)
        except BrokerError as error:
            self._trouble, self._is_away = str(error), True
        if self._trouble:
            part.unknown(self._trouble)

    def _look(self, part: _Part, sent_s: float) -> None:
        """Look how far a location is; a broker that is away may come back."""
        if part.seen is not None:
            return
        try:
            self._fetch(part)
            trouble = ""
        except BrokerError as error:
            trouble = str(error)
        self._is_away = bool(trouble)
        if part.seen is None:
            self._give_up_on(part, sent_s, trouble)

    def _fetch(self, part: _Part) -> None:
        result = self._post.result(part.expected.run_id)
        # Some brokers give a result once: with one nothing more is asked, which might fail.
        if part.taken_s is None and (result or self._post.is_taken(part.expected.run_id)):
            part.taken_s = time.monotonic()
        try:
            run = part.expected.run_in(result) if result is not None else None
        except Unusable as error:
            part.unknown(str(error))
        else:
            part.seen = LocationRun(name=part.location, run=run) if run else None

    def _give_up_on(self, part: _Part, sent_s: float, trouble: str) -> None:
        """Wait no longer for a location whose time is over."""
        now_s, wait_s = time.monotonic(), self._settings.location_wait_s
        if part.taken_s is not None:
            if now_s > part.taken_s + self._limit_s + _UNDER_WAY_S:
                part.unknown(trouble or f"it did not answer within {self._limit_s:g} s")
        elif now_s > sent_s + wait_s:
            if trouble or self._is_withdrawn(part):
                part.unknown(trouble or f"no worker took it within {wait_s:g} s")
            else:
                part.taken_s = now_s

    def _is_withdrawn(self, part: _Part) -> bool:
        try:
            return self._post.withdraw(part.expected.run_id)
        except BrokerError:
            return True

    def _leave(self, parts: Iterable[_Part]) -> None:
        """Keep those who have not begun from beginning, and wait for nobody any more.

        If the broker is away, it is too late for that.
        """
        if self._is_away:
            return
        with suppress(BrokerError):
            for part in parts:
                if part.seen is None:
                    self._post.withdraw(part.expected.run_id)
                self._post.forget(part.expected.run_id)

    def _left(self, part: _Part) -> LocationRun:
        """What there is of a location when the run is interrupted: nothing; it cleans up itself."""
        return LocationRun(name=part.location, reason=f"interrupted by {self.interrupted}")

    def _tell(self, parts: list[_Part]) -> None:
        """Say who has answered since this was last said."""
        waited_for = [part.location for part in parts if part.seen is None]
        news = [part for part in parts if part.seen and part.location not in self._told]
        for part in news:
            self._told.add(part.location)
            if waited_for and part.seen:
                said = part.seen.run.verdict.action.value if part.seen.run else part.seen.reason
                self._listen(Waiting(f"for {listed(waited_for)}; {part.location}: {said}"))
