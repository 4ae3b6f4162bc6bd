"""The error budget, and when failures that nobody confirms use it up too fast."""

from __future__ import annotations

import pytest
from smokegate.results import Action
from smokegate.watch.budget import budget, flapping
from smokegate.watch.rounds import Result, Round


def rounds(bad: range | list[int], number: int = 60, *, unknown: int = 0) -> list[Round]:
    """A round each minute; the last ones are unknown."""
    return [
        Round(
            slot=slot,
            at_s=60.0 * slot,
            took_s=1.0,
            full=False,
            result=_result(slot, bad, number - unknown),
            action=Action.PROCEED,
            requests=10,
        )
        for slot in range(number)
    ]


def _result(slot: int, bad: range | list[int], known: int) -> Result:
    if slot >= known:
        return Result.UNKNOWN
    return Result.BAD if slot in bad else Result.GOOD


def test_shares_are_of_the_rounds_with_an_answer() -> None:
    spent = budget(rounds([3, 4], 110, unknown=10), 99.0)
    assert (spent.good, spent.bad, spent.unknown) == (98, 2, 10)
    assert spent.availability == 0.98
    assert spent.used == pytest.approx(2.0)
    assert spent.lowest == pytest.approx(0.9296, 0.001)
    assert spent.highest == pytest.approx(0.9976, 0.001)
    assert not spent.is_missed, "two of a hundred may be one of a hundred"
    assert budget(rounds(range(8), 100), 99.0).is_missed


def test_nothing_seen_is_no_availability() -> None:
    nothing = budget(rounds([], 3, unknown=3), 99.5)
    assert (nothing.availability, nothing.used, nothing.is_missed) == (None, None, False)


def test_the_long_window_shows_that_it_matters_and_the_short_one_that_it_goes_on() -> None:
    going_on, over, few = [10, 20, 30, 40, 58], [1, 2, 3, 4, 5], [40, 58]
    assert flapping(rounds(going_on), [], 99.5, 3_600.0) == pytest.approx(5 / 60 / 0.005, 0.05)
    assert flapping(rounds(over), [], 99.5, 3_600.0) is None
    assert flapping(rounds([357, 358, 359], 360), [], 99.5, 21_600.0) is None, "once in six hours"
    assert flapping(rounds(few), [], 99.5, 3_600.0) is None
    assert flapping(rounds(going_on), [], 98.0, 3_600.0) is None, "a milder objective"
