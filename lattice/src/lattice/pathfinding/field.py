"""A grid laid out as a row of bits for searching, with guards instead of bounds checks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lattice.lattices.grid import Cell, Connectivity, count_cells
from lattice.pathfinding.bits import BYTE_BITS, WORD, WORD_BITS, Index, Shift, Words

Cells = NDArray[np.intp]
Path = "array[int]"

# Rows are filled up to whole bytes, which are quicker to move, where that adds at most a quarter.
PADDING_PART = 4
# Their places take more memory than the field.
OBSTACLES_AT_ONCE = 1 << 15


@dataclass(frozen=True, slots=True)
class Grid:
    """What a search has to know of a lattice.

    `obstacles` are cells that cannot be entered, all inside: a row for each, a column for each
    axis.
    """

    dimensions: Sequence[int]
    obstacles: ArrayLike
    connectivity: Connectivity


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """The cells of a grid in one row; `free` is the set of those that can be entered.

    The longest axis comes first, so that what is near lies together. Every other axis ends in a
    guard that is never free. A step below zero on an axis lands on the guard of the row before,
    so a step needs no bounds check: it ends on a cell of the grid or on something that is not
    free. Axes of extent one, along which there is no step, are left out.
    """

    dimensions: Sequence[int]
    axes: tuple[int, ...]
    strides: tuple[Index, ...]
    diagonal: bool
    steps: tuple[Index, ...]
    shifts: tuple[Shift, ...]
    margin_words: int
    free: Words

    @classmethod
    def lay_out(cls, grid: Grid, *, max_cells: int) -> "Field":
        """Return the field of a grid; ValueError, before anything is allocated, if too large."""
        if (cells := count_cells(grid.dimensions)) > max_cells:
            raise ValueError(f"{cells} cells are more than {max_cells}")
        longest_first = sorted(enumerate(grid.dimensions), key=lambda item: -item[1])
        axes = tuple(axis for axis, extent in longest_first if extent > 1)
        strides = _stride([grid.dimensions[axis] for axis in axes])
        diagonal = grid.connectivity == "diagonal"
        shifts = tuple(map(Shift, strides))
        # Once for a step out of the grid, once for a window that is that much wider than its wave.
        margin_words = 2 * sum(shift.reach_words for shift in shifts)
        return cls(
            dimensions=grid.dimensions,
            axes=axes,
            strides=strides,
            diagonal=diagonal,
            steps=tuple(_list_steps(strides, diagonal=diagonal)),
            shifts=shifts,
            margin_words=margin_words,
            free=np.pad(_find_free(grid, axes, strides), margin_words),
        )

    def index(self, cell: Cell) -> Index:
        """Return where `cell` lies in the row."""
        begin = self.margin_words * WORD_BITS
        return begin + sum(
            cell[axis] * stride for axis, stride in zip(self.axes, self.strides, strict=True)
        )

    def cells(self, path: Sequence[Index]) -> Cells:
        """Return the coordinates of the cells of a path, one row each, in their order."""
        rest = np.array(path, dtype=np.intp) - self.margin_words * WORD_BITS
        cells = np.zeros((len(rest), len(self.dimensions)), dtype=np.intp)
        for axis, stride in zip(self.axes, self.strides, strict=True):
            cells[:, axis], rest = np.divmod(rest, stride)
        return cells

    def difference(self, start: Index, end: Index) -> tuple[int, ...]:
        """Return how far it is from one cell to another, along each of `axes`."""
        begin = self.margin_words * WORD_BITS
        start, end = start - begin, end - begin
        found = []
        for stride in self.strides:
            found.append(end // stride - start // stride)
            start, end = start % stride, end % stride
        return tuple(found)


def _stride(extents: Sequence[int]) -> tuple[Index, ...]:
    """Return how far a step along each axis leads: one bit along the last."""
    strides: list[Index] = []
    row = 1
    for extent in reversed(extents):
        strides.append(row)
        row *= extent + 1
        padding = -row % BYTE_BITS
        if padding * PADDING_PART <= row:
            row += padding
    return tuple(reversed(strides))


def _find_free(grid: Grid, axes: Sequence[int], strides: Sequence[Index]) -> Words:
    extents = [grid.dimensions[axis] for axis in axes]
    size = extents[0] * strides[0] if extents else 1
    flags = np.zeros(-(-size // WORD_BITS) * WORD_BITS, dtype=np.uint8)
    np.ndarray(extents, np.uint8, flags, strides=strides)[...] = 1
    obstacles = np.asarray(grid.obstacles, dtype=np.intp).reshape(-1, len(grid.dimensions))
    along = np.zeros(len(grid.dimensions), dtype=np.intp)
    along[list(axes)] = strides
    for first in range(0, len(obstacles), OBSTACLES_AT_ONCE):
        flags[obstacles[first : first + OBSTACLES_AT_ONCE] @ along] = 0
    return np.packbits(flags, bitorder="little").view(WORD)


def _list_steps(strides: Sequence[Index], *, diagonal: bool) -> Iterator[Index]:
    """Yield how far every neighbour is."""
    if not diagonal:
        for stride in strides:
            yield from (-stride, stride)
        return
    for move in product((0, -1, 1), repeat=len(strides)):
        if any(move):
            yield sum(sign * stride for sign, stride in zip(move, strides, strict=True))
