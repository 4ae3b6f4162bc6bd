"""The shortest path through a grid: straight for the goal, else by waves from both ends.

Every step costs one, so breadth-first order is order of distance. The search goes out from the
start and from the goal, one whole wave at a time, always on the side with the smaller wave: where
the two first touch, the path is shortest, and an end that is walled in is noticed at once.
"""

from array import array
from dataclasses import dataclass

from lattice.lattices.grid import Cell
from lattice.pathfinding.bits import Index, count
from lattice.pathfinding.field import Cells, Field, Grid
from lattice.pathfinding.pace import Pace
from lattice.pathfinding.side import Side
from lattice.pathfinding.straight import go_straight


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """What a search found: `path` from start to goal, both included, or None: no way through.

    The path has a row for each cell and a column for each axis: as lists of lists, a long one
    would keep the collector, and with it the whole process, busy for half a second.
    `explored` is the number of cells that the search reached, both ends included.
    """

    path: Cells | None
    explored: int

    @property
    def length(self) -> int | None:
        """The number of steps of the path: one less than its cells."""
        return None if self.path is None else len(self.path) - 1


def find_path(grid: Grid, start: Cell, goal: Cell, pace: Pace, *, max_cells: int) -> Search:
    """Return a shortest path from `start` to `goal`, always the same one for the same question.

    Both ends must lie inside the grid and not on an obstacle.
    Raises ValueError if the grid has more than `max_cells` cells (nothing is allocated then) and
    TimeoutError if the search takes longer than its `pace` allows.
    """
    field = Field.lay_out(grid, max_cells=max_cells)
    source, target = field.index(start), field.index(goal)
    unseen = field.free.copy()
    path = go_straight(field, unseen, source, target, pace)
    if path is None:
        near, far = Side(field, source), Side(field, target)
        path = meet(near, far, pace)
        unseen &= near.unseen & far.unseen
    explored = count(field.free) - count(unseen)
    return Search(None if path is None else field.cells(path), explored)


def meet(near: Side, far: Side, pace: Pace) -> "array[Index] | None":
    """Advance the smaller side until they meet; return the path, or None if one has seen all."""
    while near.wave_size and far.wave_size:
        pace.keep()
        side, other = (near, far) if near.wave_size <= far.wave_size else (far, near)
        side.advance()
        if (meeting := side.meets(other)) is not None:
            path = near.trace(meeting, pace)
            path.reverse()
            return path + far.trace(meeting, pace)[1:]
    return None
