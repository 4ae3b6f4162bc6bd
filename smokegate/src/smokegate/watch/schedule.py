"""When the rounds of a watch are due: at its beginning and every so many seconds from there.

A round's moment is counted from the beginning and not from the round before, so nothing drifts. A
round that takes longer than its slot skips those that it missed.
"""

from __future__ import annotations

import math

import msgspec

_LATE = 0.1  # of a slot: who wakes up so late is still in time for it
_LOOK_AGAIN = 4  # a fourth of a slot


class Schedule(msgspec.Struct, frozen=True):
    """Rounds every `every_s` seconds for `for_s` seconds; every `full_every`th is a full one."""

    for_s: float
    every_s: float
    full_every: int

    @property
    def last(self) -> int:
        """The last slot; the first is 0."""
        return max(1, math.floor(self.for_s / self.every_s + 1e-6))

    def due_s(self, slot: int) -> float:
        """When a slot is due, in seconds after the beginning."""
        return slot * self.every_s

    def following(self, done: int, now_s: float) -> int:
        """The slot that comes after `done`, without those that were missed; never after the last.

        The last one is not missed: it is made up for.
        """
        in_time = math.ceil(now_s / self.every_s - _LATE)
        return min(max(done + 1, in_time), self.last)

    def is_full(self, slot: int, last_full: int | None) -> bool:
        """Whether a full round is due, by the slot of the last one; None before the first."""
        return last_full is None or slot == self.last or slot - last_full >= self.full_every

    def look_again_s(self, unsettled: int) -> float:
        """How soon a doubtful look is followed by another, the nth in a row."""
        return self.every_s * min(1.0, 2.0 ** (unsettled - 1) / _LOOK_AGAIN)
