"""The shortest path through a grid, by breadth-first waves from both ends.

Every step costs one, so breadth-first order is order of distance. The search goes out from the
start and from the goal, one whole wave at a time, always on the side with the smaller wave: where
the two first touch, the path is shortest, and an end that is walled in is noticed at once.
"""

from dataclasses import dataclass
from time import monotonic, sleep

import numpy as np

from lattice.lattices.grid import Cell, Grid
from lattice.pathfinding.field import BLOCKED, UNSEEN, Cells, Field, Index, Wave

# A look is one cell of a wave in one direction. Up to this many, numpy's fixed cost per call
# is higher than walking the wave cell by cell.
FEW_LOOKS = 96
# So many looks are swept together; a wave of more cells is swept one direction at a time, where
# no cell can be reached twice and nothing needs sorting out.
LOOKS_AT_ONCE = 256
WORK_S = 0.001
REST_S = 0.00005


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


def find_path(grid: Grid, start: Cell, goal: Cell, *, max_cells: int, timeout_s: float) -> Search:
    """Return a shortest path from `start` to `goal`, always the same one for the same question.

    Both ends must lie inside the grid and not on an obstacle.
    Raises ValueError if the grid has more than `max_cells` cells (nothing is allocated then) and
    TimeoutError if the search lasts longer than `timeout_s` seconds.
    """
    pace = Pace(timeout_s)
    field = Field.lay_out(grid, max_cells=max_cells)
    source, target = field.index(start), field.index(goal)
    if source == target:
        return Search(field.cells([source]), explored=1)
    near, far = Side(field, source, sign=1), Side(field, target, sign=-1)
    meeting = meet(near, far, pace)
    explored = near.explored + far.explored
    if meeting is None:
        return Search(None, explored)
    steps = [*reversed(near.trace(meeting, pace)), *far.trace(meeting, pace)[1:]]
    return Search(field.cells(steps), explored)


def meet(near: "Side", far: "Side", pace: "Pace") -> Index | None:
    """Advance the smaller side until both touch; return where, or None when one side is full."""
    while near.wave_size and far.wave_size:
        pace.keep()
        side = near if near.wave_size <= far.wave_size else far
        if (meeting := side.advance()) is not None:
            return meeting
    return None


class Pace:
    """Ends a search `timeout_s` seconds from now, and has it stand aside now and then.

    Without that, each call of the service that hands work to a thread would wait the five
    milliseconds after which the interpreter takes its lock away from a thread that computes.
    """

    def __init__(self, timeout_s: float) -> None:
        now_s = monotonic()
        self._deadline_s = now_s + timeout_s
        self._rest_at_s = now_s + WORK_S

    def keep(self) -> None:
        """Rest if it is time to; raises TimeoutError when the time is over."""
        now_s = monotonic()
        if now_s < self._rest_at_s:
            return
        if now_s > self._deadline_s:
            raise TimeoutError("the search ran out of time")
        sleep(REST_S)
        self._rest_at_s = monotonic() + WORK_S


class Side:
    """The cells reached from one end: those at distance n carry the label `sign * (n + 1)`."""

    def __init__(self, field: Field, origin: Index, *, sign: int) -> None:
        self._field = field
        self._sign = sign
        self._label = sign
        self._wave: list[Index] | Wave = [origin]
        self.wave_size = 1
        self.explored = 1
        field.labels[origin] = sign

    def advance(self) -> Index | None:
        """Reach every neighbour of the last wave; return the first cell of the other side met."""
        self._label += self._sign
        looks = self.wave_size * len(self._field.steps)
        meeting = self._walk() if looks <= FEW_LOOKS else self._sweep()
        self.wave_size = len(self._wave)
        self.explored += self.wave_size
        return meeting

    def trace(self, cell: Index, pace: Pace) -> list[Index]:
        """Return the cells from `cell`, where the last waves touch, back to the origin."""
        view, path = self._field.view, [cell]
        for label in range(self._label - self._sign, 0, -self._sign):
            cell = next(cell + step for step in self._field.steps if view[cell + step] == label)
            path.append(cell)
            pace.keep()
        return path

    def _walk(self) -> Index | None:
        wave = self._wave if isinstance(self._wave, list) else self._wave.tolist()
        view, steps, label, sign = self._field.view, self._field.steps, self._label, self._sign
        reached: list[Index] = []
        met: list[Index] = []
        for cell in wave:
            for step in steps:
                seen = view[cell + step]
                if seen == UNSEEN:
                    view[cell + step] = label
                    reached.append(cell + step)
                elif seen * sign < BLOCKED:
                    met.append(cell + step)
        self._wave = reached
        return min(met, default=None)

    def _sweep(self) -> Index | None:
        wave = np.asarray(self._wave, dtype=np.intp)
        labels, steps = self._field.labels, self._field.step_array
        reached: list[Wave] = []
        met: list[Index] = []
        width = max(1, LOOKS_AT_ONCE // len(wave))
        for first in range(0, len(steps), width):
            neighbours = (wave[:, None] + steps[first : first + width]).ravel()
            seen = labels[neighbours]
            fresh = neighbours[seen == UNSEEN]
            if width > 1:
                fresh = np.unique(fresh)
            labels[fresh] = self._label
            reached.append(fresh)
            of_other = (seen > BLOCKED) if self._sign < 0 else (seen < BLOCKED) & (seen != UNSEEN)
            met.extend(neighbours[of_other].tolist())
        self._wave = np.concatenate(reached)
        return min(met, default=None)
