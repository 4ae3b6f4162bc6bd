"""Sets of cells as bits: thousands of cells move by a step in a few operations of numpy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Index = int
Words = NDArray[np.uint64]

# Little-endian whatever the machine is: bit n of a set is also bit n % 8 of its byte n // 8.
WORD = np.dtype("<u8")
WORD_BITS = 64
WORD_BYTES = 8
BYTE_BITS = 8
# A cell is in a set if `view[cell >> 3] & BIT[cell & 7]`.
BIT = tuple(1 << bit for bit in range(BYTE_BITS))


def no_cells(words: int) -> Words:
    """Return an empty set."""
    return np.zeros(words, dtype=WORD)


def view_bytes(cells: Words) -> memoryview:
    """Return the bytes of a set, which Python reads and writes faster than an array."""
    return cells.view(np.uint8).data


def count(cells: Words) -> int:
    """Return the number of cells in a set."""
    return int(np.bitwise_count(cells).sum(dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The words of a set in which all its cells lie: `words` begins at word `first` of the set."""

    first: int
    words: Words

    @classmethod
    def around(cls, cells: list[Index]) -> "Window":
        """Return the window of these cells, of which there is one at least."""
        first, last = min(cells) // WORD_BITS, max(cells) // WORD_BITS
        flags = np.zeros((last + 1 - first) * WORD_BITS, dtype=np.uint8)
        flags[np.array(cells) - first * WORD_BITS] = 1
        return cls(first, np.packbits(flags, bitorder="little").view(WORD))

    @property
    def end(self) -> int:
        """The word after the last one."""
        return self.first + len(self.words)

    def cells(self) -> list[Index]:
        """Return the cells in ascending order."""
        octets = self.words.view(np.uint8)
        (filled,) = np.nonzero(octets)
        flags = np.unpackbits(octets[filled], bitorder="little").reshape(-1, BYTE_BITS)
        at, bits = np.nonzero(flags)
        cells: list[Index] = (self.first * WORD_BITS + filled[at] * BYTE_BITS + bits).tolist()
        return cells

    def common(self, cells: Words, first: int, end: int) -> list[Index]:
        """Return which cells are also in another set, between two of its words."""
        first, end = max(self.first, first), min(self.end, end)
        if first >= end:
            return []
        both = self.words[first - self.first : end - self.first] & cells[first:end]
        return Window(first, both).cells() if np.count_nonzero(both) else []

    def trimmed(self, piece_words: int) -> "Window":
        """Return it without the empty words at both ends, which are looked for piece by piece."""
        first, end = 0, len(self.words)
        while first < end and not np.count_nonzero(self.words[first : first + piece_words]):
            first += piece_words
        while first < end and not np.count_nonzero(self.words[max(first, end - piece_words) : end]):
            end -= piece_words
        return Window(self.first + first, self.words[first:end])


class Shift:
    """A step of all cells of a set along one axis, there and back, as a move of their bits."""

    def __init__(self, step: Index) -> None:
        # So many words before and after its own can a set get into.
        self.reach_words = -(-step // WORD_BITS)
        # Whole bytes are moved as they are: one operation in place of four.
        self._bytes, odd_bits = divmod(step, BYTE_BITS)
        self._is_even = not odd_bits
        self._words, bits = divmod(step, WORD_BITS)
        self._bits, self._other_bits = np.uint64(bits), np.uint64(WORD_BITS - bits)

    def add(self, cells: Words, into: Words, at: int) -> None:
        """Add the moved cells to a set, at whose word `at` they would begin without the step."""
        if self._is_even:
            octets, into_octets, at = cells.view(np.uint8), into.view(np.uint8), at * WORD_BYTES
            _add(octets, into_octets, at + self._bytes)
            _add(octets, into_octets, at - self._bytes)
            return
        there, back = at + self._words, at - self._words
        moved = np.left_shift(cells, self._bits)
        _add(moved, into, there)
        _add(np.right_shift(cells, self._other_bits, out=moved), into, there + 1)
        _add(np.right_shift(cells, self._bits, out=moved), into, back)
        _add(np.left_shift(cells, self._other_bits, out=moved), into, back - 1)


def _add(cells: NDArray[np.unsignedinteger], into: NDArray[np.unsignedinteger], at: int) -> None:
    place = into[at : at + len(cells)]
    np.bitwise_or(place, cells, out=place)
