"""Second tries: a failure counts when it happens again on a fresh connection.

They share a budget, and are spared when a canary request shows that the whole target is down:
twenty checks that meet the same dead server need not each prove it twice.
"""

from __future__ import annotations

import asyncio

import msgspec

from smokegate.client import Client, Reply
from smokegate.engine.attempt import Attempts, Ended, Work, end
from smokegate.results import Consequence, Outcome
from smokegate.settings import Settings

_CANARY_PAUSE_S = 1.5
# Half of the target may be dead: with so many at once one meets the other half.
_CANARIES = 5
_CANARY_TIMEOUT_S = 10.0
# What a load balancer says while it switches, and how long it may take.
_SWITCHING = frozenset({502, 503, 504})
_SWITCH_S, _LONGEST_SWITCH_S = 3.0, 10.0


class Confirmation:
    """Decides which failures are tried again; one for the whole run."""

    def __init__(self, settings: Settings, attempts: Attempts) -> None:
        self._settings = settings
        self._attempts = attempts
        self._budget_s = settings.confirm_budget_s
        self._canary: asyncio.Task[str] | None = None
        self.down = ""  # why the whole target counts as down

    async def tries(self, owner: str, consequence: Consequence, work: Work) -> list[Ended]:
        """Make one try, and if it fails a second one on fresh connections."""
        first = await self._attempts.make(owner, 1, consequence, work)
        if first.outcome is not Outcome.FAILED or self._attempts.interrupted or self.down:
            return [first]
        if self._budget_s <= 0:
            return [_unconfirmed(first)]
        if not await self._allows(first):
            return [first]
        return [first, await self._repeat(owner, consequence, work)]

    async def _allows(self, first: Ended) -> bool:
        """Whether a failed attempt is worth a second one."""
        try:
            await asyncio.sleep(_pause_s(first))
            return not (first.got_no_reply and await self._is_down())
        except asyncio.CancelledError:
            if not self._attempts.interrupted:
                raise
            return False  # the first try stands as it is

    async def _repeat(self, owner: str, consequence: Consequence, work: Work) -> Ended:
        """Make a second try and charge its time to the budget."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            return await self._attempts.make(owner, 2, consequence, work, fresh=True)
        finally:
            self._budget_s -= loop.time() - started

    async def stop(self) -> None:
        """End a canary that nobody waits for any more."""
        if self._canary is not None:
            await end([self._canary])

    async def _is_down(self) -> bool:
        """Ask the canary, once for all who want to know at the same time."""
        if self._canary is None or self._canary.done():
            self._canary = asyncio.create_task(self._ask_canary(), name="canary")
        self.down = self.down or await asyncio.shield(self._canary)
        return bool(self.down)

    async def _ask_canary(self) -> str:
        async def work(client: Client) -> None:
            timeout_s = min(_CANARY_TIMEOUT_S, self._settings.timeout_s)
            await client.get(
                self._settings.health_path, timeout_s=timeout_s, wait_if_throttled=False
            )

        async def ask(number: int) -> str:
            ended = await self._attempts.make(
                "canary", number, Consequence.ROLLBACK, work, fresh=True
            )
            return ended.attempt.reason if ended.outcome is Outcome.FAILED else ""

        if not await ask(1):
            return ""
        # What restarts behind a load balancer is away for a moment only.
        await asyncio.sleep(_CANARY_PAUSE_S)
        reasons = await asyncio.gather(*map(ask, range(2, _CANARIES + 2)))
        return reasons[0] if all(reasons) else ""


def _unconfirmed(first: Ended) -> Ended:
    """Say of a failure that there was no time to try again: it may not have happened again."""
    attempt = first.attempt
    reason = f"failed once, and confirm_budget_s left no time to try again: {attempt.reason}"
    attempt = msgspec.structs.replace(attempt, outcome=Outcome.UNKNOWN, reason=reason)
    return Ended(attempt, first.evidence, is_unconfirmed=True)


def _pause_s(first: Ended) -> float:
    """How long to wait before a second try: for a load balancer that may be switching."""
    last = first.attempt.last_exchange
    if last is None or last.status not in _SWITCHING:
        return 0.0
    asked_s = Reply(last, b"", first.evidence).retry_after_s or 0.0
    return min(max(_SWITCH_S, asked_s), _LONGEST_SWITCH_S)
