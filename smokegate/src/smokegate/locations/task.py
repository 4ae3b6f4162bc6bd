"""A location's part of a run, as its worker does it: refuse, decline, or verify."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from smokegate import engine, gate
from smokegate.engine import Event, Plan
from smokegate.errors import SmokegateError, UsageError
from smokegate.locations import messages
from smokegate.locations.logs import LOGGER
from smokegate.locations.messages import Answer, Ask
from smokegate.reports.escaping import one_line
from smokegate.resources import removers_in
from smokegate.results import JudgedRun, to_json
from smokegate.settings import Settings
from smokegate.targets import Target
from smokegate.watchdog import GiveUp


@dataclass(frozen=True)
class Desk:
    """What a location verifies when it is asked: its own targets with its own suites.

    `take` takes a part of a run, once; `give_up` ends the process.
    """

    location: str
    targets: Collection[Target]
    take: Callable[[str], bool]
    give_up: GiveUp

    def answer(self, given: object) -> Answer | None:
        """Verify what was asked; None if that has been taken before."""
        try:
            return self._answer(messages.read(given))
        except msgspec.ValidationError as error:
            return _refusal(f"what was asked cannot be read: {error}")
        except SmokegateError as error:
            return _refusal(str(error))

    def _answer(self, ask: Ask) -> Answer | None:
        target = self._target(ask)
        run_id = messages.run_id_at(self.location, ask.run_id)
        if not self.take(run_id):
            LOGGER.warning("declined: run %s was taken before", run_id)
            return None
        LOGGER.info("verifying %s, run %s", target.settings.url, run_id)
        run = self._verify(ask, target, run_id)
        LOGGER.info("run %s: %s, %s", run_id, run.verdict.action.value, run.verdict.reason)
        return _bounded(to_json(run))

    def _target(self, ask: Ask) -> Target:
        if ask.tool != gate.TOOL:
            raise UsageError(f"{self.location} has {gate.TOOL}, asked was {ask.tool}")
        for target in self.targets:
            if target.settings.url == ask.target:
                return target
        own = ", ".join(target.settings.url for target in self.targets)
        raise UsageError(f"{self.location} verifies {own} only, not {ask.target}")

    def _verify(self, ask: Ask, target: Target, run_id: str) -> JudgedRun:
        settings = msgspec.structs.replace(
            target.settings,
            expect_version=ask.expect_version,
            run_timeout_s=min(target.settings.run_timeout_s, ask.run_timeout_s),
            wait_s=min(target.settings.wait_s, ask.wait_s),
        )
        paths = list(target.paths)
        return gate.verify(
            settings,
            partial(self._plan, ask, paths, settings),
            _ignore,
            suites=[str(path.resolve()) for path in paths],
            give_up=self.give_up,
            earlier=ask.earlier,
            run_id=run_id,
        )

    def _plan(self, ask: Ask, paths: list[Path], settings: Settings) -> Plan:
        """The plan of what was asked, if it is of the driver's version."""
        asked = set(ask.checks)
        plan = engine.load(paths, settings, select=lambda check: check.id in asked)
        if plan.suites != ask.suites or "" in ask.suites.values():
            raise UsageError(f"{self.location} has another version of the suites")
        return plan


def sweep(target: Target) -> None:
    """Remove what workers that were killed left at a target, and log what cannot be."""
    left = gate.sweep(
        target.settings,
        lambda suites: removers_in([str(path) for path in target.paths] or suites),
        only_at=target.settings.url,
        tell=LOGGER.info,
    )
    for line in left:
        LOGGER.warning("left: %s", line)


def _refusal(reason: str) -> Answer:
    LOGGER.warning("refused: %s", one_line(reason))
    return Answer(refused=one_line(reason))


def _bounded(run: bytes) -> Answer:
    if len(run) > messages.MOST_BYTES:
        return _refusal(f"its run has {len(run)} bytes; {messages.MOST_BYTES} are the most")
    return Answer(run=run.decode())


def _ignore(_: Event) -> None:
    """Nobody watches."""
