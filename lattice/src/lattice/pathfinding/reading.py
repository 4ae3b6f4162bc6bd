"""Obstacles as they are stored, straight into an array of numpy."""

import numpy as np

from lattice.pathfinding.field import Cells

# So much is read before other threads get their turn.
CHARACTERS_AT_ONCE = 1 << 15
NOT_OF_NUMBERS = str.maketrans(",", " ", "[]")


def read_obstacles(written: str, axes: int) -> Cells:
    """Return a row for each obstacle of a JSON array that the service itself wrote.

    As lists of lists, a hundred thousand would take fifteen times as long, and keep the collector,
    and with it the whole process, busy.
    """
    pieces = []
    first = 0
    while first < len(written):
        last = written.find("]", first + CHARACTERS_AT_ONCE)
        after = len(written) if last < 0 else last + 1
        numbers = written[first:after].translate(NOT_OF_NUMBERS)
        if numbers:
            pieces.append(np.fromstring(numbers, dtype=np.intp, sep=" "))
        first = after
    return np.concatenate(pieces or [np.empty(0, dtype=np.intp)]).reshape(-1, axes)
