"""Sending what waits: the channels side by side, on each one after the other, within seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from smokegate.notify.channel import Again, Channel, Outcome
from smokegate.notify.ledger import Waiting
from smokegate.notify.notice import Notice

_FIRST_PAUSE_S = 0.5


async def deliver(
    waiting: list[Waiting], channels: Mapping[str, Channel], within_s: float
) -> dict[int, Outcome]:
    """Send notices in their order, channel by channel; what came of each that was tried, by row.

    The first that does not arrive, and is not refused for good, ends what is sent on its channel.
    """
    ends = asyncio.get_running_loop().time() + within_s
    outcomes: dict[int, Outcome] = {}
    await asyncio.gather(
        *(
            _deliver_to(channel, [each for each in waiting if each.channel == name], ends, outcomes)
            for name, channel in channels.items()
        )
    )
    return outcomes


async def _deliver_to(
    channel: Channel, waiting: list[Waiting], ends: float, outcomes: dict[int, Outcome]
) -> None:
    for each in waiting:
        if asyncio.get_running_loop().time() >= ends:
            return
        outcome = outcomes[each.row] = await _sent(channel, each.notice, ends)
        if not (outcome.arrived or outcome.again is Again.NEVER):
            return


async def _sent(channel: Channel, notice: Notice, ends: float) -> Outcome:
    """Send a notice, again and again while there is time for what the other side asks for."""
    clock = asyncio.get_running_loop().time
    pause_s, may_be_there = _FIRST_PAUSE_S, False
    while True:
        outcome = await tried(channel, notice, ends - clock())
        may_be_there |= outcome.is_uncertain
        wait_s = max(outcome.after_s, pause_s)
        if outcome.arrived or outcome.again is not Again.SOON or clock() + wait_s >= ends:
            return outcome._replace(is_uncertain=may_be_there)
        await asyncio.sleep(wait_s)
        pause_s *= 2


async def tried(channel: Channel, notice: Notice, limit_s: float) -> Outcome:
    """Send a notice once."""
    try:
        return await channel.send(notice, limit_s)
    except Exception as error:  # a bug with one channel must not keep the others from being told
        return Outcome(False, f"a bug: {type(error).__name__}: {error}", is_uncertain=True)
