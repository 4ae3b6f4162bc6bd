"""A grid laid out flat for searching, with guards instead of bounds checks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from lattice.lattices.grid import Cell, Grid, count_cells

Index = int
Wave = NDArray[np.intp]
Cells = NDArray[np.intp]
Labels = NDArray[np.int32]

BLOCKED = 0
UNSEEN = int(np.iinfo(np.int32).min)


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A grid as one flat array of labels: UNSEEN, BLOCKED, or the mark that a search leaves.

    Every axis along which one can move ends in one blocked guard. A step below zero on an axis
    lands on the guard of the row before it (a negative index on the very last one), so a step
    from any cell needs no bounds check: it ends on a cell of the grid or on something blocked.
    """

    strides: tuple[int, ...]
    extents: tuple[int, ...]
    labels: Labels
    view: memoryview
    steps: tuple[Index, ...]
    step_array: Wave

    @classmethod
    def lay_out(cls, grid: Grid, *, max_cells: int) -> "Field":
        """Return the field of a grid; ValueError, before anything is allocated, if too large."""
        if (cells := count_cells(grid.dimensions)) > max_cells:
            raise ValueError(f"{cells} cells are more than {max_cells}")
        # An axis of extent one allows no step and needs no guard.
        extents = tuple(extent + (extent > 1) for extent in grid.dimensions)
        labels = np.full(extents, BLOCKED, dtype=np.int32)
        labels[tuple(slice(extent) for extent in grid.dimensions)] = UNSEEN
        if grid.obstacles:
            labels[tuple(np.asarray(grid.obstacles, dtype=np.intp).T)] = BLOCKED
        strides = tuple(stride // labels.itemsize for stride in labels.strides)
        steps = tuple(_list_steps(grid, strides))
        flat = labels.reshape(-1)
        return cls(strides, extents, flat, flat.data, steps, np.array(steps, dtype=np.intp))

    def index(self, cell: Cell) -> Index:
        """Return where `cell` lies in the flat array."""
        return sum(at * stride for at, stride in zip(cell, self.strides, strict=True))

    def cells(self, indices: Sequence[Index]) -> Cells:
        """Return the coordinates of the cells at `indices`, one row each, in their order."""
        coordinates = np.unravel_index(np.array(indices, dtype=np.intp), self.extents)
        return np.stack(coordinates, axis=1)


def _list_steps(grid: Grid, strides: Sequence[int]) -> Iterator[Index]:
    """Yield the flat offsets of all neighbours: no step along an axis of extent one."""
    moving = [stride for extent, stride in zip(grid.dimensions, strides, strict=True) if extent > 1]
    if grid.connectivity == "axis":
        for stride in moving:
            yield from (-stride, stride)
        return
    for move in product((0, -1, 1), repeat=len(moving)):
        if any(move):
            yield sum(sign * stride for sign, stride in zip(move, moving, strict=True))
