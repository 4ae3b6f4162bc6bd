"""The geometry of a lattice: cells, neighbours, edges. Pure arithmetic, nothing is allocated."""

from collections.abc import Sequence
from math import prod
from typing import Literal

Cell = Sequence[int]
Connectivity = Literal["axis", "diagonal"]


def count_cells(dimensions: Sequence[int]) -> int:
    """Return the number of cells of the full grid, obstacles included."""
    return prod(dimensions)


def count_edges(dimensions: Sequence[int], connectivity: Connectivity) -> int:
    """Return the number of undirected pairs of neighbours of the full grid, exactly.

    Obstacles do not change it: the number describes the grid, not what is open in it.
    `axis` joins cells that differ by one in one coordinate; `diagonal` joins cells that differ
    by at most one in every coordinate.
    """
    cells = prod(dimensions)
    if connectivity == "axis":
        return sum(cells // extent * (extent - 1) for extent in dimensions)
    # Along one axis there are 3 * extent - 2 ordered pairs at distance 0 or 1; axes multiply.
    ordered_pairs = prod(3 * extent - 2 for extent in dimensions)
    return (ordered_pairs - cells) // 2


def find_misplaced(cell: Cell, dimensions: Sequence[int]) -> str | None:
    """Return why `cell` is no cell of a grid with `dimensions`, or None when it is one."""
    if len(cell) != len(dimensions):
        return f"has {len(cell)} coordinates, the lattice has {len(dimensions)} dimensions"
    for axis, (coordinate, extent) in enumerate(zip(cell, dimensions, strict=True)):
        if not 0 <= coordinate < extent:
            return f"has coordinate {axis} at {coordinate}, outside 0 to {extent - 1}"
    return None


def check_obstacles(obstacles: Sequence[Cell], dimensions: Sequence[int]) -> None:
    """Raise `ValueError`, naming the first that is wrong, unless each is a cell, named once."""
    # There may be a hundred thousand: the one that is wrong is looked for when there is one.
    if not _all_fit(obstacles, dimensions):
        _refuse_first_misfit(obstacles, dimensions)


def _all_fit(obstacles: Sequence[Cell], dimensions: Sequence[int]) -> bool:
    if not obstacles:
        return True
    if set(map(len, obstacles)) != {len(dimensions)}:
        return False
    for axis, extent in enumerate(dimensions):
        coordinates = [obstacle[axis] for obstacle in obstacles]
        if min(coordinates) < 0 or max(coordinates) >= extent:
            return False
    return len(set(map(tuple, obstacles))) == len(obstacles)


def _refuse_first_misfit(obstacles: Sequence[Cell], dimensions: Sequence[int]) -> None:
    seen: set[tuple[int, ...]] = set()
    for position, obstacle in enumerate(obstacles):
        if words := find_misplaced(obstacle, dimensions):
            raise ValueError(f"obstacle {position} {words}")
        seen.add(tuple(obstacle))
        if len(seen) == position:
            raise ValueError(f"obstacle {position} was named before")
