"""Sending within a limit, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from smokegate.notify.channel import Again, Outcome
from smokegate.notify.delivery import deliver
from smokegate.notify.ledger import Waiting
from smokegate.notify.notice import Notice

from tests.gate.notify.samples import notice

pytestmark = pytest.mark.virtual_clock
ARRIVED = Outcome(arrived=True)
SOON = Outcome(False, "busy", Again.SOON, is_uncertain=True)
LATER = Outcome(False, "no such channel", Again.LATER)
NEVER = Outcome(False, "wrong", Again.NEVER)


class Scripted:
    """A channel that answers as it was told to, after so long."""

    def __init__(self, *outcomes: Outcome, takes_s: float = 0.0) -> None:
        self.outcomes = list(outcomes)
        self.takes_s = takes_s
        self.tries: list[float] = []

    async def send(self, notice: Notice, limit_s: float) -> Outcome:
        self.tries.append(asyncio.get_running_loop().time() - 1000)
        await asyncio.sleep(min(self.takes_s, limit_s))
        return self.outcomes.pop(0)


def waiting(*channels: str) -> list[Waiting]:
    return [Waiting(row, name, notice(), False) for row, name in enumerate(channels)]


async def outcomes(within_s: float, rows: Sequence[str], **channels: Scripted) -> dict[int, str]:
    found = await deliver(waiting(*rows), channels, within_s)
    return {row: each.why or "arrived" for row, each in sorted(found.items())}


async def test_pauses_grow_until_it_arrives() -> None:
    slack = Scripted(SOON, SOON, SOON, ARRIVED)
    assert await outcomes(5, ["a"], a=slack) == {0: "arrived"}
    assert slack.tries == [0.0, 0.5, 1.5, 3.5]


async def test_the_other_side_says_how_long() -> None:
    slack = Scripted(SOON._replace(after_s=3.0), ARRIVED)
    assert await outcomes(5, ["a"], a=slack) == {0: "arrived"}
    assert slack.tries == [0.0, 3.0]
    patient = Scripted(SOON._replace(after_s=60.0))
    assert await outcomes(5, ["a"], a=patient) == {0: "busy"}


async def test_none_waits_for_another() -> None:
    hung, quick = Scripted(SOON, takes_s=99), Scripted(ARRIVED, ARRIVED)
    assert await outcomes(5, ["a", "b", "a", "b"], a=hung, b=quick) == {
        0: "busy",
        1: "arrived",
        3: "arrived",
    }
    assert quick.tries == [0.0, 0.0]
    assert asyncio.get_running_loop().time() == 1005.0


async def test_nothing_overtakes_what_did_not_arrive() -> None:
    assert await outcomes(5, ["a", "a"], a=Scripted(LATER)) == {0: "no such channel"}
    assert await outcomes(5, ["a", "a"], a=Scripted(NEVER, ARRIVED)) == {0: "wrong", 1: "arrived"}


async def test_what_one_try_left_open_stays_open() -> None:
    found = await deliver(waiting("a"), {"a": Scripted(SOON, LATER)}, 5)
    assert found[0].is_uncertain


async def test_a_bug_in_one_is_no_harm_to_the_others() -> None:
    broken = Scripted()
    assert await outcomes(5, ["a", "b"], a=broken, b=Scripted(ARRIVED)) == {
        0: "a bug: IndexError: pop from empty list",
        1: "arrived",
    }
