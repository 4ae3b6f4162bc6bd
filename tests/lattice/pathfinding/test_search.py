"""The search against networkx, on graphs made from nothing but the definition of a neighbour."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise, product
from random import Random
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lattice.lattices.grid import Connectivity
from lattice.pathfinding import side, straight
from lattice.pathfinding.field import Grid
from lattice.pathfinding.pace import Pace
from lattice.pathfinding.search import Search, find_path

# What sends every search through one of its parts: by default most small ones end with the first.
ONLY_WAVES = {(straight, "PATIENCE"): 0}
WAYS: dict[str, dict[Any, int]] = {
    "straight first": {},
    "walked": ONLY_WAVES | {(side, "FEW_LOOKS"): 10**9},
    "swept": ONLY_WAVES | {(side, "FEW_LOOKS"): -1, (side, "WORDS_A_LOOK"): 10**9},
    "in turn": ONLY_WAVES | {(side, "FEW_LOOKS"): 16, (side, "WORDS_A_LOOK"): 1},
}
CELLS_MAX = 300


@contextmanager
def going(way: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for (module, name), value in WAYS[way].items():
            patch.setattr(module, name, value)
        yield


class Counted(Pace):
    """Counts how often a search looks at the time."""

    def __init__(self) -> None:
        super().__init__(60)
        self.looks = 0

    def keep(self) -> None:
        self.looks += 1
        super().keep()


@dataclass(frozen=True)
class Question:
    grid: Grid
    start: list[int]
    goal: list[int]

    def ask(self, pace: Pace | None = None, *, max_cells: int = 10**7) -> Search:
        return find_path(self.grid, self.start, self.goal, pace or Pace(60), max_cells=max_cells)

    def reversed(self) -> "Question":
        return replace(self, start=self.goal, goal=self.start)

    def are_neighbours(self, some: Any, others: Any) -> Any:
        apart = np.abs(some - others)
        nearest = apart.max(-1) if self.grid.connectivity == "diagonal" else apart.sum(-1)
        return nearest == 1

    def graph(self) -> "nx.Graph[tuple[int, ...]]":
        """The free cells and the pairs that are neighbours."""
        every = set(product(*map(range, self.grid.dimensions)))
        free = sorted(every - set(map(tuple, np.asarray(self.grid.obstacles).tolist())))
        cells = np.array(free)
        graph = nx.Graph()
        graph.add_nodes_from(free)
        pairs = np.argwhere(self.are_neighbours(cells[:, None], cells[None]))
        graph.add_edges_from((free[one], free[other]) for one, other in pairs.tolist())
        return graph

    def shortest(self) -> int | None:
        try:
            steps: int = nx.shortest_path_length(self.graph(), tuple(self.start), tuple(self.goal))
        except nx.NetworkXNoPath:
            return None
        return steps


def told(found: Search) -> tuple[list[list[int]] | None, int]:
    """What a search found, as values that can be compared."""
    return None if found.path is None else found.path.tolist(), found.explored


@st.composite
def dimensions(draw: st.DrawFn) -> list[int]:
    """One to six extents: long, flat and cubic ones."""
    extents: list[int] = []
    left = CELLS_MAX
    for axis in range(draw(st.integers(1, 6)), 0, -1):
        widest = left if axis == 1 else max(1, min(left, draw(st.sampled_from([2, 3, 6, left]))))
        extents.append(draw(st.integers(1, widest)))
        left //= extents[-1]
    return draw(st.permutations(extents))


@st.composite
def questions(draw: st.DrawFn) -> Question:
    extents = draw(dimensions())
    cells = list(product(*map(range, extents)))
    blocked_share = draw(st.sampled_from([0, 0.2, 0.4, 0.6]))
    # One seed in place of hundreds of drawn booleans: grids are larger and shrinking still works.
    random = Random(draw(st.integers(0, 2**32)))
    start, goal = random.choice(cells), random.choice(cells)
    obstacles = [
        list(cell)
        for cell in cells
        if cell not in (start, goal) and random.random() < blocked_share
    ]
    connectivity: Connectivity = "diagonal" if draw(st.booleans()) else "axis"
    return Question(Grid(extents, obstacles, connectivity), list(start), list(goal))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(questions())
def test_paths_are_valid_and_shortest_whatever_the_way(question: Question) -> None:
    shortest = question.shortest()
    free_cells = set(product(*map(range, question.grid.dimensions)))
    free_cells -= set(map(tuple, np.asarray(question.grid.obstacles).tolist()))
    for way in WAYS:
        with going(way):
            found, back = question.ask(), question.reversed().ask()
        assert found.length == back.length == shortest, way
        assert found.explored <= len(free_cells)
        if found.path is None:
            continue
        assert found.path[0].tolist() == question.start
        assert found.path[-1].tolist() == question.goal
        assert set(map(tuple, found.path.tolist())) <= free_cells, way
        assert question.are_neighbours(found.path[1:], found.path[:-1]).all(), way
        assert found.explored >= len(found.path)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(questions())
def test_the_same_question_has_always_the_same_answer(question: Question) -> None:
    assert told(question.ask()) == told(question.ask())


def test_a_start_that_is_the_goal_needs_no_step() -> None:
    found = Question(Grid([3, 3], [], "axis"), [1, 1], [1, 1]).ask()
    assert told(found) == ([[1, 1]], 1)


def test_a_grid_of_one_cell() -> None:
    found = Question(Grid([1, 1], [], "diagonal"), [0, 0], [0, 0]).ask()
    assert told(found) == ([[0, 0]], 1)


def test_a_corner_is_cut_only_diagonally() -> None:
    wall = [[0, 1], [1, 0]]
    assert Question(Grid([2, 2], wall, "axis"), [0, 0], [1, 1]).ask().path is None
    found = Question(Grid([2, 2], wall, "diagonal"), [0, 0], [1, 1]).ask()
    assert told(found)[0] == [[0, 0], [1, 1]]


def test_too_many_cells_are_refused_before_anything_is_allocated() -> None:
    with pytest.raises(ValueError, match="1000000000000 cells are more than 10"):
        Question(Grid([10**6, 10**6], [], "axis"), [0, 0], [1, 1]).ask(max_cells=10)


def serpentine(rows: int, columns: int) -> Question:
    """One way only, to and fro through every second row."""
    walls = [
        [row, column]
        for row in range(1, rows, 2)
        for column in range(columns)
        if column != (columns - 1 if row % 4 == 1 else 0)
    ]
    goal = [rows - 1, columns - 1 if rows % 4 == 1 else 0]
    return Question(Grid([rows, columns], walls, "axis"), [0, 0], goal)


@pytest.mark.parametrize("way", WAYS)
def test_a_long_way_is_found(way: str) -> None:
    question = serpentine(99, 99)
    with going(way):
        found = question.ask()
    assert found.length == 50 * 98 + 49 * 2
    assert found.path is not None
    assert all(question.are_neighbours(one, other) for one, other in pairwise(found.path))


@pytest.mark.parametrize("way", WAYS)
def test_the_time_is_looked_at_with_every_wave_and_every_step(way: str) -> None:
    question, pace = Question(Grid([40, 40], [], "axis"), [0, 0], [39, 39]), Counted()
    with going(way):
        question.ask(pace)
    waves_and_steps = 78 if way == "straight first" else 2 * 78
    assert pace.looks >= waves_and_steps


@pytest.mark.parametrize("way", WAYS)
def test_a_search_ends_when_its_time_is_over(way: str) -> None:
    pace = Pace(60)
    pace.give_up()
    with going(way), pytest.raises(TimeoutError):
        Question(Grid([40, 40], [], "axis"), [0, 0], [39, 39]).ask(pace)


def shell_around(centre: int) -> list[list[int]]:
    moves = product((-1, 0, 1), repeat=3)
    return [[centre + step for step in move] for move in moves if any(move)]


@pytest.mark.parametrize("connectivity", ["axis", "diagonal"])
def test_a_walled_in_end_is_noticed_at_once(connectivity: Connectivity) -> None:
    question = Question(
        Grid([100, 100, 100], shell_around(50), connectivity), [0, 0, 0], [50, 50, 50]
    )
    for each in (question, question.reversed()):
        found = each.ask()
        assert found.path is None
        # What the first try may cost, and the waves of the other end meanwhile.
        assert found.explored < straight.PATIENCE * 150 + 50


def scattered(extents: list[int], connectivity: Connectivity, share: float = 0.2) -> Question:
    blocked = np.random.default_rng(1).random(extents) < share
    ends = [0] * len(extents), [extent - 1 for extent in extents]
    for end in ends:
        blocked[tuple(end)] = False
    return Question(Grid(extents, np.argwhere(blocked), connectivity), *ends)


# The lengths are those of scipy and of all others in bench/pathfinding.py.
@pytest.mark.parametrize(
    ("extents", "connectivity", "length"),
    [
        ([100] * 3, "axis", 297),
        ([100] * 3, "diagonal", 104),
        ([1000] * 2, "axis", 1998),
        ([1000] * 2, "diagonal", 1068),
    ],
)
def test_a_million_cells_are_searched_alike_in_little_memory(
    extents: list[int], connectivity: Connectivity, length: int
) -> None:
    question = scattered(extents, connectivity)
    for way in ("straight first", "swept"):
        tracemalloc.start()
        with going(way):
            assert question.ask().length == length
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # While it is laid out a byte for each cell, then ten sets of bits.
        assert peak_bytes < 2.5 * 10**6
