"""The search against a plain breadth-first search over tuples, which shares nothing with it."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from random import Random
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lattice.lattices.grid import Connectivity, Grid
from lattice.pathfinding import search
from lattice.pathfinding.search import Search, find_path

# Thresholds that send every wave through one of the ways of advancing.
WAYS = {
    "walked": {"FEW_LOOKS": 10**9},
    "swept": {"FEW_LOOKS": 0, "LOOKS_AT_ONCE": 10**9},
    "by direction": {"FEW_LOOKS": 0, "LOOKS_AT_ONCE": 1},
    "mixed": {},
}


@dataclass(frozen=True)
class Question:
    grid: Grid
    start: list[int]
    goal: list[int]

    def ask(self, *, max_cells: int = 10**7, timeout_s: float = 60) -> Search:
        return find_path(self.grid, self.start, self.goal, max_cells=max_cells, timeout_s=timeout_s)

    def free_cells(self) -> set[tuple[int, ...]]:
        cells = product(*map(range, self.grid.dimensions))
        return set(cells) - set(map(tuple, self.grid.obstacles))

    def neighbours(self, cell: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        for move in product((-1, 0, 1), repeat=len(cell)):
            if any(move) and (self.grid.connectivity == "diagonal" or sum(map(abs, move)) == 1):
                yield tuple(a + b for a, b in zip(cell, move, strict=True))

    def shortest(self) -> int | None:
        """The number of steps that the plain search finds, or None."""
        free = self.free_cells()
        queue = deque([(tuple(self.start), 0)])
        free.discard(tuple(self.start))
        while queue:
            cell, steps = queue.popleft()
            if cell == tuple(self.goal):
                return steps
            for neighbour in self.neighbours(cell):
                if neighbour in free:
                    free.discard(neighbour)
                    queue.append((neighbour, steps + 1))
        return None


def told(found: Search) -> tuple[list[list[int]] | None, int]:
    """What a search found, as values that can be compared."""
    return None if found.path is None else found.path.tolist(), found.explored


@st.composite
def questions(draw: st.DrawFn) -> Question:
    dimensions = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    cells = list(product(*map(range, dimensions)))
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
    return Question(Grid(dimensions, obstacles, connectivity), list(start), list(goal))


@settings(max_examples=300, deadline=None)
@given(questions(), st.sampled_from(list(WAYS.values())))
def test_paths_are_valid_and_shortest(question: Question, way: dict[str, int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in way.items():
            patch.setattr(search, name, value)
        found = question.ask()
    assert found.length == question.shortest()
    free_cells = question.free_cells()
    assert found.explored <= len(free_cells)
    if found.path is None:
        return
    path = [tuple(cell) for cell in found.path.tolist()]
    assert path[0] == tuple(question.start)
    assert path[-1] == tuple(question.goal)
    assert set(path) <= free_cells
    assert all(after in question.neighbours(before) for before, after in pairwise(path))
    assert found.explored >= len(path)


@settings(max_examples=100, deadline=None)
@given(questions())
def test_every_way_gives_the_same_answer(question: Question) -> None:
    answers = []
    for way in WAYS.values():
        with pytest.MonkeyPatch.context() as patch:
            for name, value in way.items():
                patch.setattr(search, name, value)
            answers.append(told(question.ask()))
    assert answers.count(answers[0]) == len(WAYS)


def test_a_start_that_is_the_goal_needs_no_step() -> None:
    found = Question(Grid([3, 3], [], "axis"), [1, 1], [1, 1]).ask()
    assert told(found) == ([[1, 1]], 1)


def test_a_corner_is_cut_only_diagonally() -> None:
    wall = [[0, 1], [1, 0]]
    assert Question(Grid([2, 2], wall, "axis"), [0, 0], [1, 1]).ask().path is None
    found = Question(Grid([2, 2], wall, "diagonal"), [0, 0], [1, 1]).ask()
    assert told(found)[0] == [[0, 0], [1, 1]]


def test_too_many_cells_are_refused_before_anything_is_allocated() -> None:
    with pytest.raises(ValueError, match="1000000000000 cells are more than 10"):
        Question(Grid([10**6, 10**6], [], "axis"), [0, 0], [1, 1]).ask(max_cells=10)


def test_a_search_ends_at_its_deadline() -> None:
    began = perf_counter()
    with pytest.raises(TimeoutError):
        Question(Grid([10**6], [], "axis"), [0], [10**6 - 1]).ask(timeout_s=0.05)
    assert perf_counter() - began < 1


def shell_around(centre: int) -> list[list[int]]:
    moves = product((-1, 0, 1), repeat=3)
    return [[centre + step for step in move] for move in moves if any(move)]


def test_a_walled_in_end_is_noticed_at_once() -> None:
    shell = shell_around(50)
    for start, goal in (([0, 0, 0], [50, 50, 50]), ([50, 50, 50], [0, 0, 0])):
        found = Question(Grid([100, 100, 100], shell, "diagonal"), start, goal).ask()
        assert found.path is None
        assert found.explored < 20


# Ten times what was measured on two slow cores: not a benchmark, only a net.
@pytest.mark.parametrize(
    ("question", "length", "limit_s"),
    [
        (Question(Grid([100] * 3, [], "axis"), [0] * 3, [99] * 3), 297, 0.35),
        (Question(Grid([1000] * 2, [], "axis"), [0] * 2, [999] * 2), 1998, 0.6),
        (Question(Grid([1000] * 2, [], "diagonal"), [0] * 2, [999] * 2), 999, 0.6),
    ],
    ids=["a cube", "a square", "a square, diagonally"],
)
def test_a_million_cells_are_searched_quickly(
    question: Question, length: int, limit_s: float
) -> None:
    began = perf_counter()
    assert question.ask().length == length
    assert perf_counter() - began < limit_s
