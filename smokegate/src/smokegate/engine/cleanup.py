"""Removing what a run created: in reverse, after everyone has stopped using it."""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import Protocol

from smokegate.client import Client
from smokegate.engine.attempt import Attempts
from smokegate.journal import Creation
from smokegate.resources import Remover
from smokegate.results import Consequence, Outcome


class Ledger(Protocol):
    """Where creations are written down: the journal of this run, or of one that died."""

    @property
    def pending(self) -> list[Creation]:
        """What may still exist, the youngest first."""
        ...

    def removed(self, creation: Creation) -> None:
        """Say that it is gone."""
        ...


async def remove_all(
    ledger: Ledger, removers: dict[str, Remover], attempts: Attempts, *, settled: bool
) -> list[str]:
    """Remove what is pending and give a line for each thing that may be left.

    Things of one kind that were created one after the other go together. `settled` says that no
    request of the run can still arrive, so that something not found was never made.
    """
    left: list[str] = []
    for _, group in groupby(ledger.pending, key=lambda creation: creation.kind):
        creations = list(group)
        reasons = await asyncio.gather(
            *(_remove(each, removers, attempts, settled=settled) for each in creations)
        )
        for creation, reason in zip(creations, reasons, strict=True):
            if reason:
                left.append(f"{creation.kind} {creation.name}: {reason}")
            else:
                ledger.removed(creation)
    return left


async def _remove(
    creation: Creation, removers: dict[str, Remover], attempts: Attempts, *, settled: bool
) -> str:
    """Remove one thing; the reason why it may be left, or nothing."""
    remover = removers.get(creation.kind)
    if remover is None:
        return f"the suites have no function marked @removes({creation.kind!r})"

    async def work(client: Client) -> bool:
        return await remover(client, creation.name)

    owner = f"cleanup of {creation.kind} {creation.name}"
    ended = await attempts.make(owner, 1, Consequence.INVESTIGATE, work)
    if ended.outcome is Outcome.FAILED and not attempts.interrupted:
        ended = await attempts.make(owner, 2, Consequence.INVESTIGATE, work, fresh=True)
    if ended.outcome not in (Outcome.PASSED, Outcome.WARNED):
        return ended.attempt.reason
    if ended.value or settled or creation.made:
        return ""
    return "its creation was not confirmed; it may still come to be"
