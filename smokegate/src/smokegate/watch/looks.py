"""The looks of a watch at a real target: each is a run, and one resource is kept between them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from smokegate import engine, gate
from smokegate.engine import Keeper, Plan
from smokegate.errors import SuiteError
from smokegate.resources import removers_in
from smokegate.results import JudgedRun
from smokegate.settings import Settings
from smokegate.watch.clock import Clock
from smokegate.watch.light import light_checks, resource_to_keep
from smokegate.watchdog import GiveUp

# Tokens live for a quarter of an hour at least: what is kept is made anew before they end.
_KEPT_FOR_S = 600.0
_WAIT_S = 1.0  # a second for one connection, so that a target that is down is known to be
_RELEASED_WITHIN_S = 5.0
_RELEASED_AFTER_SIGNAL_S = 0.9  # of six, of which the run that it ends may take five


class TargetLooks:
    """Verifies the target of some settings in this process.

    Raises `SuiteError` where the suites could not give an answer.
    """

    def __init__(
        self,
        paths: list[Path],
        settings: Settings,
        clock: Clock,
        give_up: GiveUp,
    ) -> None:
        self._paths = paths
        self._settings = settings
        self._clock = clock
        self._give_up = give_up
        self._plan = engine.load(paths, settings)
        if self._plan.missing_suites:  # there would be no answer, for hours
            raise SuiteError(f"watch: {self._plan.missing_suites[0].reason}")
        self._keeper = Keeper(resource_to_keep(self._plan))
        self._kept_since_s = 0.0
        self._has_settled = False
        self._left: list[str] = []

    @property
    def partial(self) -> bool:
        """Whether only a part of the checks was selected."""
        return self._plan.partial

    def look(self, *, full: bool, light: list[str]) -> JudgedRun:
        """Verify the target, with all checks or with the light ones."""
        settings = self._full_settings() if full else _light_settings(self._settings)
        is_old = self._clock.now_s() - self._kept_since_s > _KEPT_FOR_S
        if full or is_old:
            self.release()
        had = bool(self._keeper.values)
        run = gate.verify(
            settings,
            lambda: self._plan_of(settings, None if full else light),
            lambda _: None,
            suites=[str(path.resolve()) for path in self._paths],
            give_up=self._give_up,
            keeper=self._keeper,
            told=lambda: self._clock.stopped,
        )
        self._has_settled = True
        self._left += run.leftovers
        if not had:
            self._kept_since_s = self._clock.now_s()
        return run

    def light_of(self, run: JudgedRun, before: list[str]) -> list[str]:
        """The checks of light rounds by what a full run did; what they do not need is let go."""
        light = light_checks(
            self._plan.checks,
            {check.id: check for check in run.checks},
            kept=self._keeper.name,
            creators=self._keeper.creators,
            before=before,
        )
        needed = {need for check in self._plan.checks if check.id in light for need in check.needs}
        if self._keeper.name not in needed:
            self.release()
        return light

    def release(self) -> None:
        """Remove what is kept; what is left is noted."""
        book = self._keeper.take()
        if book is None:
            return
        limit_s = _RELEASED_AFTER_SIGNAL_S if self._clock.stopped else _RELEASED_WITHIN_S
        removers = self._plan.catalogue.removers
        self._left += gate.release(self._settings, book, removers, limit_s=limit_s)

    def close(self, *, thoroughly: bool) -> list[str]:
        """Remove what is kept, and `thoroughly` what earlier rounds could not; say what is left.

        Where the target does not answer, or after a signal, the latter would only take time.
        """
        self.release()
        if self._left and thoroughly:
            self._left = gate.sweep(
                self._settings, removers_in, only_at=self._settings.url, tell=lambda _: None
            )
        return self._left

    def _full_settings(self) -> Settings:
        """The first look waits until the target has settled; those after it do not excuse it."""
        wait_s = min(self._settings.wait_s, _WAIT_S) if self._has_settled else self._settings.wait_s
        return msgspec.structs.replace(self._settings, wait_s=wait_s)

    def _plan_of(self, settings: Settings, ids: list[str] | None) -> Plan:
        if ids is None:
            return self._plan
        return engine.load(self._paths, settings, select=lambda check: check.id in ids)


def _light_settings(settings: Settings) -> Settings:
    """No sample, and one connection to see whether it is there; which version, the watch looks."""
    return msgspec.structs.replace(
        settings,
        wait_s=min(settings.wait_s, _WAIT_S),
        settle_connections=1,
        sample_requests=0,
        expect_version="",
    )
