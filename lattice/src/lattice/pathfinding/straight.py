"""The first try: straight for the goal, with a step aside only where something is in the way.

A path on which every step comes nearer to the goal, as if there were no obstacles, is a shortest
one. Among scattered obstacles there nearly always is one, and it is found by looking at little
more than its own cells.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import product

from lattice.pathfinding.bits import BIT, Index, Words, view_bytes
from lattice.pathfinding.field import Field
from lattice.pathfinding.pace import Pace

# How many cells are tried for each step of the distance. Where a path was found it took less.
PATIENCE = 3


def go_straight(
    field: Field, unseen: Words, start: Index, goal: Index, pace: Pace
) -> "array[int] | None":
    """Return a shortest path, or None if there is none without a detour or it is hard to find.

    What was tried is taken out of `unseen`.
    """
    view = view_bytes(unseen)
    list_moves = _moves_of_any_kind if field.diagonal else _moves_along_axes
    ahead = field.difference(start, goal)
    distance = max(map(abs, ahead), default=0) if field.diagonal else sum(map(abs, ahead))
    path = array("q", [start])
    view[start >> 3] ^= BIT[start & 7]
    for _ in range(PATIENCE * distance):
        if path[-1] == goal:
            break
        pace.keep()
        for step, still_ahead in list_moves(ahead, field.strides):
            at = path[-1] + step
            if view[at >> 3] & BIT[at & 7]:
                view[at >> 3] ^= BIT[at & 7]
                path.append(at)
                ahead = still_ahead
                break
        else:
            path.pop()
            if not path:
                return None
            ahead = field.difference(path[-1], goal)
    return path if path[-1] == goal else None


Move = tuple[Index, tuple[int, ...]]


def _moves_along_axes(ahead: tuple[int, ...], strides: Sequence[Index]) -> Iterator[Move]:
    """Yield the steps that come nearer, and what is ahead after each."""
    # The longest way first: so there is a choice for as long as possible.
    for axis in sorted(range(len(ahead)), key=lambda axis: -abs(ahead[axis])):
        if not ahead[axis]:
            return
        sign = _sign(ahead[axis])
        yield sign * strides[axis], (*ahead[:axis], ahead[axis] - sign, *ahead[axis + 1 :])


def _moves_of_any_kind(ahead: tuple[int, ...], strides: Sequence[Index]) -> Iterator[Move]:
    """Yield the steps that come nearer, and what is ahead after each."""
    furthest = max(map(abs, ahead))
    for move in product(*(_signs(distance, furthest) for distance in ahead)):
        step = sum(sign * stride for sign, stride in zip(move, strides, strict=True))
        yield step, tuple(distance - sign for distance, sign in zip(ahead, move, strict=True))


def _signs(distance: int, furthest: int) -> tuple[int, ...]:
    """Return in which directions, the best first, `distance` stays below `furthest`."""
    sign = _sign(distance)
    signs = (sign, 0, -sign) if sign else (0, 1, -1)
    return tuple(each for each in signs if abs(distance - each) < furthest)


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
