"""One run, from the first request to the clean-up."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Any

import msgspec

from smokegate.checks import Check
from smokegate.client import Client, Session
from smokegate.engine.attempt import Attempts, end
from smokegate.engine.cleanup import Ledger, remove_all
from smokegate.engine.conclusion import blocked, concluded, result_of
from smokegate.engine.confirmation import Confirmation
from smokegate.engine.keeping import Keeper, Unkept
from smokegate.engine.output import sorted_by_attempt
from smokegate.engine.plan import Plan
from smokegate.engine.probes import SUITE as PROBES
from smokegate.engine.probes import Probes
from smokegate.engine.service_versions import misfits
from smokegate.engine.supply import Supply, Unavailable
from smokegate.journal import Journal
from smokegate.resources import CLIENT, Remover
from smokegate.results import (
    CheckResult,
    MissingSuite,
    Outcome,
    Run,
    Thresholds,
)
from smokegate.versions import is_wanted

# An interrupted run has 6 seconds for everything; what is left is for the reports.
_INTERRUPTED_S = 5.0
_LATE_CREATIONS_S = 2.0
# By then what removes is most likely sent; whoever hears of it may use the time until the replies.
_SENT_WITHIN_S = 0.005


class RunStarted(msgspec.Struct, frozen=True):
    """The checks that will be run."""

    run_id: str
    target: str
    checks: list[tuple[str, str]]  # suite and id
    partial: bool
    started_at: str


class CheckFinished(msgspec.Struct, frozen=True):
    """One check has its outcome."""

    result: CheckResult


class Waiting(msgspec.Struct, frozen=True):
    """The target makes the run wait, and why."""

    reason: str


class CleaningUp(msgspec.Struct, frozen=True):
    """No check runs any more, and the target is removing what was created."""


Event = RunStarted | CheckFinished | Waiting | CleaningUp
Listener = Callable[[Event], None]


class Engine:
    """Runs a plan once; `keeper` holds what outlives the run."""

    def __init__(
        self,
        plan: Plan,
        session: Session,
        journal: Journal,
        listen: Listener,
        *,
        tool: str,
        keeper: Keeper | None = None,
    ) -> None:
        self._plan = plan
        self._session = session
        self._journal = journal
        self._listen = listen
        self._tool = tool
        self._keeper = keeper
        settings = session.settings
        self._attempts = Attempts(session, settings.timeout_s + settings.check_grace_s)
        self._confirmation = Confirmation(settings, self._attempts)
        kept = keeper.values if keeper else {}
        self._supply = Supply(plan.catalogue, plan.needed_by, self._confirmation, kept)
        self._probes = Probes(session, self._attempts, self._confirmation, partial=plan.partial)
        self._results: dict[str, CheckResult] = {}
        self._main: asyncio.Task[None] | None = None
        self._cleanup_limit: asyncio.Timeout | None = None
        self._notes: list[str] = []
        self._interrupted = ""
        self._interrupted_ends = math.inf
        session.tell = lambda reason: listen(Waiting(reason))

    def interrupt(self, reason: str) -> None:
        """End the run from outside: the unfinished is unknown, the created is removed."""
        if not self._interrupted:
            self._interrupted = reason
            self._interrupted_ends = asyncio.get_running_loop().time() + _INTERRUPTED_S
        self._end(reason)
        self._hurry_clean_up()

    def _hurry_clean_up(self) -> None:
        limit = self._cleanup_limit
        ends = None if limit is None or limit.expired() else limit.when()
        if limit is not None and ends is not None:
            limit.reschedule(min(ends, self._interrupted_ends))

    def _end(self, reason: str) -> None:
        if not self._attempts.interrupted:
            self._attempts.interrupted = reason
            if self._main is not None:
                self._main.cancel()

    async def run(self) -> Run:
        """Run every check, clean up, and return the evidence."""
        with sorted_by_attempt():
            return await self._run()

    async def _run(self) -> Run:
        loop = asyncio.get_running_loop()
        started, started_at = loop.time(), time.time()
        self._listen(self._started(_iso(started_at)))
        self._main = asyncio.create_task(self._run_checks(), name="checks")
        if self._attempts.interrupted:
            self._main.cancel()
        try:
            await self._wait_for_checks()
        finally:
            finished = loop.time() - self._session.started
            leftovers = await self._clean_up()
        results = [self._result_of(check) for check in self._plan.checks]
        # By the loop's clock: that of the wall may have been set meanwhile.
        finished_at = started_at + loop.time() - started
        run = self._assemble(results, started_at, finished_at, finished, leftovers)
        # What was learnt to be a secret late may stand in what was recorded early.
        return self._session.redactor.clean(run)

    def _started(self, started_at: str) -> RunStarted:
        return RunStarted(
            run_id=self._session.run_id,
            target=self._session.settings.url,
            checks=[(check.suite, check.id) for check in self._plan.checks],
            partial=self._plan.partial,
            started_at=started_at,
        )

    async def _wait_for_checks(self) -> None:
        assert self._main is not None  # noqa: S101 - made by the caller
        settings = self._session.settings
        try:
            async with asyncio.timeout(settings.wait_s + settings.run_timeout_s):
                await asyncio.shield(self._main)
        except TimeoutError:
            self._notes.append(f"the run's time limit of {settings.run_timeout_s:g} s ended it")
            self._end("the run's own time limit")
        except asyncio.CancelledError:
            if not self._attempts.interrupted:
                self.interrupt("a cancellation")
        await asyncio.wait([self._main])
        if not self._main.cancelled():
            self._main.result()

    async def _run_checks(self) -> None:
        await self._probes.settle(self._session.tell)
        if self._attempts.interrupted:
            return  # settling took the cancellation for its own end
        self._probes.start()
        self._supply.start()
        together = [check for check in self._plan.checks if not check.exclusive]
        alone = [check for check in self._plan.checks if check.exclusive]
        try:
            await self._run_together(together)
            await self._probes.finished()
            if alone:
                await self._supply.settled()
            for check in sorted(alone, key=lambda check: check.last):
                await self._run_together([check])
        finally:
            await self._probes.stop()
            await self._supply.stop()
            await self._confirmation.stop()
            self._attempts.close()

    async def _run_together(self, checks: list[Check]) -> None:
        tasks = [asyncio.create_task(self._check(check), name=check.id) for check in checks]
        try:
            if tasks:
                await asyncio.wait(tasks)
        finally:
            await end(tasks)
        for task in tasks:
            if not task.cancelled():  # a check that cancels itself has no answer
                task.result()

    async def _check(self, check: Check) -> None:
        loop = asyncio.get_running_loop()
        needs = [need for need in check.needs if need != CLIENT]
        started = loop.time()
        try:
            values = await self._supply.get(needs)
        except Unavailable as error:
            result = blocked(check, error.root)
        except asyncio.CancelledError:
            if not self._attempts.interrupted:
                raise
            result = self._unanswered(check)
        else:
            result = await self._attempt(check, values)
        duration_s = round(loop.time() - started, 6)
        result = msgspec.structs.replace(result, duration_s=result.duration_s or duration_s)
        self._results[check.id] = result
        self._listen(CheckFinished(result))

    async def _attempt(self, check: Check, values: dict[str, Any]) -> CheckResult:
        async def work(client: Client) -> None:
            own = {CLIENT: client} if CLIENT in check.needs else {}
            await check.bind(self._plan.settings_of_suites)(**values, **own)

        return concluded(check, await self._confirmation.tries(check.id, check.consequence, work))

    async def _clean_up(self) -> list[str]:
        """Remove what was created, within a time limit of its own."""
        budget_s = self._session.settings.cleanup_timeout_s
        left_s = self._interrupted_ends - asyncio.get_running_loop().time()
        budget_s = min(budget_s, max(0.0, left_s))
        ledger = self._to_remove()
        removing = asyncio.create_task(self._remove(ledger, budget_s), name="clean-up")
        loop = asyncio.get_running_loop()
        telling = loop.call_later(_SENT_WITHIN_S, self._listen, CleaningUp())
        try:
            async with asyncio.timeout(budget_s) as self._cleanup_limit:
                return await asyncio.shield(removing)
        except TimeoutError:
            return [f"{each.kind} {each.name}: no time left" for each in ledger.pending]
        finally:
            telling.cancel()
            self._cleanup_limit = None
            await end([removing])

    def _to_remove(self) -> Ledger:
        """What this run created, less what is kept for the next one."""
        if self._keeper is None:
            return self._journal
        keeper, made = self._keeper, self._supply.has_made(self._keeper.name)
        keeper.note(self._journal)
        # What creates nothing costs nothing to make anew, and may belong to this loop.
        if made and keeper.name in keeper.creators and not self._interrupted:
            keeper.keep(self._supply.made(keeper.name), self._journal)
            return Unkept(self._journal, keeper)
        return self._journal

    async def _remove(self, ledger: Ledger, budget_s: float) -> list[str]:
        attempts = Attempts(self._session, budget_s)
        await self._session.late_creations(min(_LATE_CREATIONS_S, budget_s / 2))
        return await remove_all(ledger, self._plan.catalogue.removers, attempts, settled=False)

    def _result_of(self, check: Check) -> CheckResult:
        return self._results.get(check.id) or self._unanswered(check)

    def _unanswered(self, check: Check) -> CheckResult:
        cause = self._attempts.interrupted
        reason = f"interrupted by {cause}" if cause else "the check cancelled itself"
        return result_of(check, Outcome.UNKNOWN, f"not finished: {reason}")

    def _assemble(
        self,
        results: list[CheckResult],
        started_at: float,
        finished_at: float,
        duration_s: float,
        left: list[str],
    ) -> Run:
        settings, versions = self._session.settings, self._session.versions
        version = max(versions, key=lambda version: versions[version], default="")
        return Run(
            run_id=self._session.run_id,
            target=settings.url,
            environment=settings.environment,
            version=version,
            started_at=_iso(started_at),
            finished_at=_iso(finished_at),
            duration_s=round(duration_s, 6),
            partial=self._plan.partial,
            interrupted=self._interrupted,
            settings=settings.public(),
            thresholds=Thresholds(
                rollback_below=settings.rollback_below, monitor_above=settings.monitor_above
            ),
            missing_suites=self._plan.missing_suites
            + self._without_answer(results, _iso(started_at)),
            resources=self._supply.results,
            checks=results,
            probes=self._probes.results,
            suites={**self._plan.suites, PROBES: self._tool},
            leftovers=left,
            down=self._confirmation.down,
            stale=self._stale_beside(versions),
            notes=self._notes_of(versions, version),
            tool=self._tool,
        )

    def _stale_beside(self, versions: dict[str, int]) -> str:
        """What is served instead of the expected version, unless that came in the meantime."""
        expected = self._session.settings.expect_version
        came = any(is_wanted(version, expected) for version in versions)
        return "" if came else self._probes.stale

    def _without_answer(self, results: list[CheckResult], moment: str) -> list[MissingSuite]:
        """The required suites in which nothing that decides applies."""
        missing: list[MissingSuite] = []
        if self._plan.partial:
            return missing  # what was selected is judged, and no more was asked for
        for suite in self._session.settings.require:
            decides = [each.decides(moment) for each in results if each.suite == suite]
            if decides and not any(decides):
                missing.append(MissingSuite(suite=suite, reason=f"nothing in {suite} applies"))
        return missing

    def _notes_of(self, versions: dict[str, int], most: str) -> list[str]:
        told = [*self._notes, *misfits(self._plan.checks, most)]
        if len(versions) > 1:
            shares = ", ".join(f"{version} in {n}" for version, n in sorted(versions.items()))
            told.append(f"the target serves several versions: {shares} replies")
        return told


async def sweep_one(ledger: Ledger, removers: dict[str, Remover], session: Session) -> list[str]:
    """Remove what a dead run left, and give a line for each thing that is still there."""
    attempts = Attempts(session, session.settings.cleanup_timeout_s)
    return await remove_all(ledger, removers, attempts, settled=True)


def _iso(seconds: float) -> str:
    moment = time.gmtime(seconds)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', moment)}.{int(seconds * 1000) % 1000:03d}Z"
