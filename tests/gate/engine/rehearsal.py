"""A whole run of the engine with a scripted target and a journal that needs no disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smokegate.checks import Suite, checks_of
from smokegate.client import Session, Transport
from smokegate.engine import CheckFinished, Engine, Event, Keeper, Plan
from smokegate.journal import Creation, Header, Journal
from smokegate.resources import Catalogue
from smokegate.results import Action, CheckResult, Outcome, ResourceResult, Run
from smokegate.settings import Settings
from smokegate.verdict import judge

from tests.gate.clients import RUN_ID, TARGET
from tests.gate.scripted_transport import ScriptedTransport


class MemoryJournal(Journal):
    """A journal whose lines are on the disk at once, or when `waits` is set, or never."""

    def __init__(self) -> None:
        super().__init__(Path(), Header(run_id=RUN_ID, url=TARGET, ca_file="", suites=[]))
        self.refuses: Exception | None = None
        self.waits: asyncio.Event | None = None
        self.removals: list[str] = []

    async def intend(self, kind: str, name: str, owner: str) -> int:
        entry = await super().intend(kind, name, owner)
        if self.waits is not None:
            await self.waits.wait()
        return entry

    def removed(self, creation: Creation) -> None:
        super().removed(creation)
        self.removals.append(creation.name)

    def _write(self, creation: Creation, written: asyncio.Future[None] | None) -> None:
        if written is None:
            return
        if self.refuses:
            written.set_exception(self.refuses)
        else:
            written.set_result(None)


class Rehearsal:
    """One run, with everything that can be looked at afterwards; needs a running loop."""

    def __init__(
        self,
        *suites: type[Suite],
        transport: Transport | None = None,
        resources: tuple[Callable[..., Any], ...] = (),
        partial: bool = False,
        values: dict[str, Any] | None = None,
        listen: Callable[[Event], None] | None = None,
        keeper: Keeper | None = None,
        **settings: Any,
    ) -> None:
        defaults = {"url": TARGET, "require": (), "wait_s": 0.0, "sample_requests": 0}
        known = Settings(url_given=True, **{**defaults, **settings})
        catalogue = Catalogue()
        catalogue.add({function.__name__: function for function in resources})
        self.transport = ScriptedTransport() if transport is None else transport
        self.journal = MemoryJournal()
        self.events: list[Event] = []
        self.started_s = asyncio.get_running_loop().time()
        self.session = Session(
            settings=known,
            transport=self.transport,
            creations=self.journal,
            run_id=RUN_ID,
            user_agent="smokegate/test",
            started=self.started_s,
        )
        plan = Plan(
            checks=[check for suite in suites for check in checks_of(suite)],
            catalogue=catalogue,
            settings_of_suites=values or {},
            missing_suites=[],
            partial=partial,
        )
        self.engine = Engine(
            plan,
            self.session,
            self.journal,
            listen or self.events.append,
            tool="test",
            keeper=keeper,
        )

    async def run(self) -> Run:
        return await self.engine.run()

    @property
    def now_s(self) -> float:
        """Seconds since the rehearsal was made."""
        return round(asyncio.get_running_loop().time() - self.started_s, 3)

    @property
    def finished(self) -> list[str]:
        """The checks that were told to have finished, in order, by their names alone."""
        return [each.result.name for each in self.events if isinstance(each, CheckFinished)]


def check_in(run: Run, name: str) -> CheckResult:
    (found,) = (check for check in run.checks if check.name == f"test_{name}")
    return found


def resource_in(run: Run, name: str) -> ResourceResult:
    (found,) = (resource for resource in run.resources if resource.name == name)
    return found


def outcomes(run: Run) -> dict[str, Outcome]:
    """The outcome of each check, by its name without `test_`."""
    return {check.name.removeprefix("test_"): check.outcome for check in run.checks}


def action(run: Run) -> Action:
    return judge(run).action
