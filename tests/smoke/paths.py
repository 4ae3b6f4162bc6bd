"""The lattices of the pathfinding check, and its own search to compare the service's with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

Cell = tuple[int, ...]


@dataclass(frozen=True)
class Puzzle:
    """A lattice whose neighbours differ by one in one coordinate, and a way to be found in it."""

    name: str
    dimensions: Cell
    obstacles: frozenset[Cell]
    start: Cell
    end: Cell

    def lattice(self, name: str) -> dict[str, Any]:
        """What to ask the service for."""
        return {"name": name, "dimensions": self.dimensions, "obstacles": sorted(self.obstacles)}

    @property
    def ends(self) -> dict[str, Cell]:
        """What to ask the service: the way between which cells."""
        return {"start": self.start, "end": self.end}

    def is_free(self, cell: Cell) -> bool:
        """Whether a path may enter a cell."""
        inside = all(0 <= at < extent for at, extent in zip(cell, self.dimensions, strict=True))
        return inside and cell not in self.obstacles

    @cache  # of a few puzzles that are never let go  # noqa: B019
    def shortest(self) -> int | None:
        """Steps of a shortest path, by breadth-first search; None if there is no way."""
        reached, front, steps = {self.start}, [self.start], 0
        while front:
            if self.end in front:
                return steps
            around = (neighbour for cell in front for neighbour in _neighbours(cell))
            front = [cell for cell in dict.fromkeys(around) if self.is_free(cell)]
            front = [cell for cell in front if cell not in reached]
            reached.update(front)
            steps += 1
        return None

    def flaw(self, path: Sequence[Sequence[int]] | None) -> str:
        """Say what is wrong with an answer; nothing if no path is shorter, or there is none."""
        shortest = self.shortest()
        if path is None or shortest is None:
            flaw = "there is a way" if path is None else "there is no way"
            return "" if path is None and shortest is None else flaw
        cells = [tuple(cell) for cell in path]
        if not cells or cells[0] != self.start or cells[-1] != self.end:
            return f"it leads from {cells[:1]} to {cells[-1:]}"
        for cell in cells:
            if len(cell) != len(self.dimensions) or not self.is_free(cell):
                return f"{cell} is an obstacle or outside"
        for one, next_one in pairwise(cells):
            if next_one not in _neighbours(one):
                return f"{one} and {next_one} are no neighbours"
        steps = len(cells) - 1
        return "" if steps == shortest else f"it has {steps} steps, not {shortest}"


def _neighbours(cell: Cell) -> Iterator[Cell]:
    for axis, at in enumerate(cell):
        for step in (-1, 1):
            yield (*cell[:axis], at + step, *cell[axis + 1 :])


def _drawn(name: str, *rows: str) -> Puzzle:
    """Read a drawing: S is the start, E the end, # an obstacle."""
    cells = {(x, y): mark for y, row in enumerate(rows) for x, mark in enumerate(row)}
    place = {mark: cell for cell, mark in cells.items()}
    return Puzzle(
        name=name,
        dimensions=(len(rows[0]), len(rows)),
        obstacles=frozenset(cell for cell, mark in cells.items() if mark == "#"),
        start=place["S"],
        end=place["E"],
    )


OPEN_CUBE = Puzzle("open-cube", (5, 5, 5), frozenset(), (0, 0, 0), (4, 4, 4))
# The short-looking ways are dead ends: a search that is greedy goes astray.
MAZE = _drawn(
    "maze",
    "S.#.....#..",
    ".##.###.#.#",
    "....#.#...#",
    "#.###.####.",
    "..#........",
    ".##.#######",
    "..........E",
)
WALLED_OFF = Puzzle(
    "walled-off", (4, 4, 4), frozenset({(2, 3, 3), (3, 2, 3), (3, 3, 2)}), (0, 0, 0), (3, 3, 3)
)
PUZZLES = (OPEN_CUBE, MAZE, WALLED_OFF)
