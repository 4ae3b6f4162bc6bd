"""The cells reached from one end of a search, wave by wave."""

from array import array
from itertools import chain

import numpy as np

from lattice.pathfinding.bits import BIT, WORD_BITS, Index, Window, no_cells, view_bytes
from lattice.pathfinding.field import Field
from lattice.pathfinding.pace import Pace

# A look is one cell of a wave in one direction. Up to this many, numpy's fixed cost per call is
# higher than walking the wave cell by cell; so it is where a wave is thin for the words it is
# spread over.
FEW_LOOKS = 96
WORDS_A_LOOK = 48


class Side:
    """A breadth-first search from one cell; `distance` is that of the last wave.

    The cells of the waves lie in three sets in turn. Neighbours are at most one apart in distance,
    so the set tells which of them is nearer to the origin.
    """

    def __init__(self, field: Field, origin: Index) -> None:
        self._field = field
        self.unseen = field.free.copy()
        self._seen = tuple(no_cells(len(field.free)) for _ in range(3))
        self._unseen_view = view_bytes(self.unseen)
        self._seen_views = tuple(map(view_bytes, self._seen))
        self._unseen_view[origin >> 3] ^= BIT[origin & 7]
        self._seen_views[0][origin >> 3] |= BIT[origin & 7]
        self.distance = 0
        self._wave: list[Index] | Window = [origin]
        # Of cells where they are walked, of words with cells where they are swept.
        self.wave_size = 1

    def advance(self) -> None:
        """Reach every neighbour of the last wave that was not seen before."""
        self.distance += 1
        if self._is_thin():
            wave = self._wave if isinstance(self._wave, list) else self._wave.cells()
            self._wave = self._walk(wave)
            self.wave_size = len(self._wave)
        else:
            window = self._wave if isinstance(self._wave, Window) else Window.around(self._wave)
            self._wave = self._sweep(window)
            self.wave_size = int(np.count_nonzero(self._wave.words))

    def meets(self, other: "Side") -> Index | None:
        """Return the first cell of the last wave that the other side has seen, if any.

        Asked after every wave: so it can only be one of the other's last wave.
        """
        turn = other.distance % 3
        if isinstance(self._wave, list):
            view = other._seen_views[turn]
            met = [cell for cell in self._wave if view[cell >> 3] & BIT[cell & 7]]
        else:
            met = self._wave.common(other._seen[turn], *other._bounds())
        return min(met, default=None)

    def trace(self, cell: Index, pace: Pace) -> "array[int]":
        """Return the cells from one of the last wave back to the origin."""
        path = array("q", [cell])
        step = 0
        for distance in range(self.distance - 1, -1, -1):
            view = self._seen_views[distance % 3]
            # On in the same direction where that is possible: there may be thousands of others.
            for step in chain((step,), self._field.steps):  # noqa: B020 - begins with the last
                at = path[-1] + step
                if view[at >> 3] & BIT[at & 7]:
                    path.append(at)
                    break
            pace.keep()
        return path

    def _is_thin(self) -> bool:
        looks = self.wave_size * len(self._field.steps)
        if looks <= FEW_LOOKS:
            return True
        first, end = self._bounds()
        return looks <= FEW_LOOKS + (end - first) // WORDS_A_LOOK

    def _bounds(self) -> tuple[int, int]:
        """Return the words in which the last wave lies."""
        if isinstance(self._wave, Window):
            return self._wave.first, self._wave.end
        return min(self._wave) // WORD_BITS, max(self._wave) // WORD_BITS + 1

    def _walk(self, wave: list[Index]) -> list[Index]:
        unseen, seen = self._unseen_view, self._seen_views[self.distance % 3]
        steps = self._field.steps
        reached: list[Index] = []
        for cell in wave:
            for step in steps:
                at = cell + step
                octet, bit = at >> 3, BIT[at & 7]
                if unseen[octet] & bit:
                    unseen[octet] ^= bit
                    seen[octet] |= bit
                    reached.append(at)
        return reached

    def _sweep(self, wave: Window) -> Window:
        spread = _spread_diagonally if self._field.diagonal else _spread_along_axes
        reached = spread(self._field, wave)
        part = slice(reached.first, reached.end)
        words, unseen, seen = reached.words, self.unseen[part], self._seen[self.distance % 3][part]
        np.bitwise_and(words, unseen, out=words)
        np.bitwise_xor(unseen, words, out=unseen)
        np.bitwise_or(seen, words, out=seen)
        return reached.trimmed(self._field.shifts[0].reach_words)


def _spread_along_axes(field: Field, wave: Window) -> Window:
    """Return the neighbours of a wave, and some of what lies between."""
    reach_words = field.shifts[0].reach_words
    words = no_cells(len(wave.words) + 2 * reach_words)
    for shift in field.shifts:
        shift.add(wave.words, words, reach_words)
    return Window(wave.first - reach_words, words)


def _spread_diagonally(field: Field, wave: Window) -> Window:
    """Return the neighbours of a wave and the wave."""
    # Along one axis after the other, each time all that was reached along those before.
    first, cells = wave.first, wave.words
    for shift in reversed(field.shifts):
        words = no_cells(len(cells) + 2 * shift.reach_words)
        words[shift.reach_words : shift.reach_words + len(cells)] = cells
        shift.add(cells, words, shift.reach_words)
        first, cells = first - shift.reach_words, words
    return Window(first, cells)
