"""Making resources: each once, as soon as what it needs is there, shared by all who wait."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from smokegate.client import Client
from smokegate.engine.attempt import Ended, end
from smokegate.engine.conclusion import lost_connection_of
from smokegate.engine.confirmation import Confirmation
from smokegate.resources import CLIENT, Catalogue
from smokegate.results import Attempt, Consequence, Outcome, ResourceResult

# What it means for whatever needs a resource that it could not be made, and in which words.
_WITHOUT = {
    Outcome.FAILED: (Outcome.BLOCKED, "blocked by"),
    Outcome.UNKNOWN: (Outcome.UNKNOWN, "needs"),
    Outcome.SKIPPED: (Outcome.SKIPPED, "needs"),
}


class Unavailable(Exception):
    """A resource that could not be made; `root` names the one where it began."""

    def __init__(self, root: ResourceResult) -> None:
        super().__init__(f"{root.name}: {root.reason}")
        self.root = root


class Supply:
    """The resources of one run; `kept` are values that an earlier one has made."""

    def __init__(
        self,
        catalogue: Catalogue,
        needed_by: dict[str, list[str]],
        confirmation: Confirmation,
        kept: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self._kept = dict(kept)
        self._catalogue = catalogue
        self._needed_by = needed_by
        self._confirmation = confirmation
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self.results: list[ResourceResult] = []

    def start(self) -> None:
        """Begin to make everything that is needed."""
        for name in self._needed_by:
            self._task(name)

    async def get(self, names: list[str], client: Client | None = None) -> dict[str, Any]:
        """Wait for resources by name; raises `Unavailable` for the first that cannot be made.

        A waiter that is cancelled does not cancel what others wait for.
        """
        values: dict[str, Any] = {}
        for name in names:
            if name == CLIENT:
                values[name] = client
            else:
                values[name] = await asyncio.shield(self._task(name))
        return values

    async def settled(self) -> None:
        """Wait until nothing is being made any more."""
        if self._tasks:
            await asyncio.wait(self._tasks.values())

    async def stop(self) -> None:
        """End what is still being made."""
        await end(self._tasks.values())
        for task in self._tasks.values():
            if task.done() and not task.cancelled():
                task.exception()  # seen here, so that asyncio does not report it as lost

    def has_made(self, name: str) -> bool:
        """Whether a resource was made in this run."""
        task = self._tasks.get(name)
        if name in self._kept or task is None or not task.done() or task.cancelled():
            return False
        return task.exception() is None

    def made(self, name: str) -> Any:
        """The value of a resource that was made."""
        return self._tasks[name].result()

    def _task(self, name: str) -> asyncio.Task[Any]:
        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(self._make(name), name=f"resource {name}")
        return self._tasks[name]

    async def _make(self, name: str) -> Any:
        resource = self._catalogue.resources[name]
        loop = asyncio.get_running_loop()
        started = loop.time()
        if name in self._kept:
            self._conclude(name, [], Outcome.PASSED, "kept from an earlier run", 0.0)
            return self._kept[name]
        needs = [need for need in resource.needs if need != CLIENT]
        try:
            values = await self.get(needs)
        except Unavailable as error:
            outcome, words = _WITHOUT[error.root.outcome]
            self._conclude(name, [], outcome, f"{words} {error}", loop.time() - started)
            raise

        async def work(client: Client) -> Any:
            own = {CLIENT: client} if CLIENT in resource.needs else {}
            return await resource.make(**values, **own)

        tries = await self._confirmation.tries(name, Consequence.ROLLBACK, work)
        last = tries[-1]
        flaky = len(tries) > 1 and last.did_not_repeat(tries[0])
        result = self._conclude(
            name,
            [each.attempt for each in tries],
            *_outcome(tries),
            loop.time() - started,
            flaky=flaky,
            lost_connection=lost_connection_of(tries[0]) if flaky else None,
        )
        if result.outcome in (Outcome.PASSED, Outcome.WARNED):
            return last.value
        raise Unavailable(result)

    def _conclude(
        self,
        name: str,
        attempts: list[Attempt],
        outcome: Outcome,
        reason: str,
        duration_s: float,
        *,
        flaky: bool = False,
        lost_connection: int | None = None,
    ) -> ResourceResult:
        result = ResourceResult(
            name=name,
            outcome=outcome,
            reason=reason,
            needed_by=self._needed_by[name],
            duration_s=round(duration_s, 6),
            attempts=attempts,
            exchanges=[exchange for attempt in attempts for exchange in attempt.exchanges],
            flaky=flaky,
            lost_connection=lost_connection,
        )
        self.results.append(result)
        return result


def _outcome(tries: list[Ended]) -> tuple[Outcome, str]:
    last = tries[-1]
    if len(tries) > 1 and last.outcome in (Outcome.PASSED, Outcome.WARNED):
        return Outcome.WARNED, f"flaky: made on the second try, first {tries[0].attempt.reason}"
    if last.outcome is Outcome.SKIPPED and not last.did_not_repeat(tries[0]):
        return tries[0].outcome, tries[0].attempt.reason  # a failure does not cease to apply
    return last.outcome, last.attempt.reason
