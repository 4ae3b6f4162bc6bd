"""How each library finds the length of a shortest path through a grid, in the quickest way known.

Each gets what Lattice's own search gets, a grid with its obstacles as an array, and makes of it
what it needs: that is part of the time. Graphs are made from arrays wherever that is possible.
None means that there is no way through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
from lattice.pathfinding.field import Grid
from lattice.pathfinding.pace import Pace
from lattice.pathfinding.search import find_path
from numpy.typing import NDArray

Cell = Sequence[int]
Library = Callable[[Grid, Cell, Cell], int | None]
# What cannot be entered costs more than any path.
UNPAYABLE = 1e9


def lattice(grid: Grid, start: Cell, goal: Cell) -> int | None:
    return find_path(grid, start, goal, Pace(600), max_cells=10**8).length


def scipy(grid: Grid, start: Cell, goal: Cell) -> int | None:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order

    one, other = edges(grid)
    ends = np.concatenate([one, other]), np.concatenate([other, one])
    cells = int(np.prod(grid.dimensions))
    graph = csr_array((np.ones(len(ends[0])), ends), shape=(cells, cells))
    source, target = number(grid, start), number(grid, goal)
    _, before = breadth_first_order(graph, source)
    return follow(before, source, target)


def igraph(grid: Grid, start: Cell, goal: Cell) -> int | None:
    import igraph

    graph = igraph.Graph(n=int(np.prod(grid.dimensions)), edges=np.stack(edges(grid), axis=1))
    path = graph.get_shortest_path(number(grid, start), number(grid, goal))
    return len(path) - 1 if path else None


def networkit(grid: Grid, start: Cell, goal: Cell) -> int | None:
    import networkit

    graph = networkit.GraphFromCoo(edges(grid), n=int(np.prod(grid.dimensions)))
    search = networkit.distance.BidirectionalBFS(graph, number(grid, start), number(grid, goal))
    search.run()
    # It gives only the cells in between, and a distance beyond all paths where there is none.
    return len(search.getPath()) + 1 if search.getDistance() < UNPAYABLE else None


def rustworkx(grid: Grid, start: Cell, goal: Cell) -> int | None:
    import rustworkx

    one, other = edges(grid)
    graph = rustworkx.PyGraph(multigraph=True)
    graph.add_nodes_from(range(int(np.prod(grid.dimensions))))
    graph.add_edges_from_no_data(list(zip(one.tolist(), other.tolist(), strict=True)))
    target = number(grid, goal)
    found = rustworkx.dijkstra_shortest_paths(graph, number(grid, start), target, default_weight=1)
    return len(found[target]) - 1 if target in found else None


def networkx(grid: Grid, start: Cell, goal: Cell) -> int | None:
    import networkx

    one, other = edges(grid)
    ends = number(grid, start), number(grid, goal)
    graph = networkx.Graph()
    graph.add_nodes_from(ends)
    graph.add_edges_from(zip(one.tolist(), other.tolist(), strict=True))
    try:
        return len(networkx.bidirectional_shortest_path(graph, *ends)) - 1
    except networkx.NetworkXNoPath:
        return None


def dijkstra3d(grid: Grid, start: Cell, goal: Cell) -> int | None:
    """For images of two and three dimensions: it needs no graph."""
    import dijkstra3d

    costs = np.where(free_cells(grid), np.float32(1), np.float32(UNPAYABLE))
    neighbours = {("axis", 2): 4, ("diagonal", 2): 8, ("axis", 3): 6, ("diagonal", 3): 26}
    path = dijkstra3d.dijkstra(
        costs,
        tuple(start),
        tuple(goal),
        connectivity=neighbours[grid.connectivity, costs.ndim],
        bidirectional=True,
    )
    return len(path) - 1 if costs[tuple(path.T)].max() < UNPAYABLE else None


def tcod(grid: Grid, start: Cell, goal: Cell) -> int | None:
    """For the maps of games, in two dimensions: it needs no graph."""
    import tcod.path

    costs = free_cells(grid).astype(np.int8)
    graph = tcod.path.SimpleGraph(
        cost=costs, cardinal=1, diagonal=int(grid.connectivity == "diagonal")
    )
    search = tcod.path.Pathfinder(graph)
    search.add_root(tuple(start))
    path = search.path_to(tuple(goal))
    return len(path) - 1 if tuple(path[0]) == tuple(start) else None


# Those with a number of dimensions take no others.
LIBRARIES: dict[str, tuple[Library, tuple[int, ...] | None]] = {
    "lattice": (lattice, None),
    "scipy": (scipy, None),
    "igraph": (igraph, None),
    "networkit": (networkit, None),
    "rustworkx": (rustworkx, None),
    "networkx": (networkx, None),
    "dijkstra3d": (dijkstra3d, (2, 3)),
    "tcod": (tcod, (2,)),
}


def number(grid: Grid, cell: Cell) -> int:
    return int(np.ravel_multi_index(tuple(cell), tuple(grid.dimensions)))


def free_cells(grid: Grid) -> NDArray[np.bool_]:
    free = np.ones(grid.dimensions, dtype=bool)
    free[tuple(np.asarray(grid.obstacles).T)] = False
    return free


def edges(grid: Grid) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Both ends of every pair of neighbours that are free."""
    free = free_cells(grid)
    numbers = np.arange(free.size, dtype=np.int32).reshape(free.shape)
    found = [
        (numbers[one][both], numbers[other][both])
        for one, other in _halves(grid)
        for both in [free[one] & free[other]]
    ]
    ones, others = zip(*found, strict=True)
    return np.concatenate(ones), np.concatenate(others)


def _halves(grid: Grid) -> Iterator[tuple[Any, Any]]:
    """The parts of the grid that lie one step apart, for each step and not for its opposite."""
    before, after, all_of_it = slice(None, -1), slice(1, None), slice(None)
    for move in product((0, 1, -1), repeat=len(grid.dimensions)):
        is_along_an_axis = sum(map(abs, move)) == 1
        is_first_of_two = move > tuple(0 for _ in move)
        if is_first_of_two and (is_along_an_axis or grid.connectivity == "diagonal"):
            one = {0: all_of_it, 1: before, -1: after}
            other = {0: all_of_it, 1: after, -1: before}
            yield tuple(one[sign] for sign in move), tuple(other[sign] for sign in move)


def follow(before: NDArray[np.int32], source: int, target: int) -> int | None:
    """How many steps lead back from the target, each to the cell before."""
    steps = 0
    while target != source:
        target = int(before[target])
        steps += 1
        if target < 0:
            return None
    return steps
