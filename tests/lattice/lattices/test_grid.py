"""The geometry is counted by formula; here it is counted by looking."""

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lattice.lattices.grid import check_obstacles, count_cells, count_edges, find_misplaced

dimensions_of_small_grids = st.lists(st.integers(1, 4), min_size=1, max_size=3)


def looked_at(dimensions: list[int]) -> list[list[int]]:
    """The absolute differences of all pairs of cells."""
    cells = product(*map(range, dimensions))
    return [[abs(a - b) for a, b in zip(*pair, strict=True)] for pair in combinations(cells, 2)]


@given(dimensions_of_small_grids)
def test_counts_are_those_of_the_full_grid(dimensions: list[int]) -> None:
    pairs = looked_at(dimensions)
    assert count_cells(dimensions) == len(list(product(*map(range, dimensions))))
    assert count_edges(dimensions, "axis") == sum(sum(gaps) == 1 for gaps in pairs)
    assert count_edges(dimensions, "diagonal") == sum(max(gaps) == 1 for gaps in pairs)


def test_counts_are_exact_where_floats_are_not() -> None:
    extent = 10**9 + 7
    assert count_cells([extent, extent, extent]) == extent**3
    assert count_edges([extent, extent], "axis") == 2 * extent * (extent - 1)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ([0, 0], None),
        ([1, 2], None),
        ([2, 0], "has coordinate 0 at 2, outside 0 to 1"),
        ([0, -1], "has coordinate 1 at -1, outside 0 to 2"),
        ([0], "has 1 coordinates, the lattice has 2 dimensions"),
        ([0, 0, 0], "has 3 coordinates, the lattice has 2 dimensions"),
    ],
)
def test_a_cell_out_of_place_is_told_why(cell: list[int], words: str | None) -> None:
    assert find_misplaced(cell, [2, 3]) == words


@pytest.mark.parametrize(
    ("obstacles", "words"),
    [
        ([[0, 0], [5, 9], [5]], "obstacle 2 has 1 coordinates, the lattice has 2 dimensions"),
        ([[0, 0], [6, 0], [-1, 0]], "obstacle 1 has coordinate 0 at 6, outside 0 to 5"),
        ([[0, 0], [1, 1], [0, 0], [1, 1]], "obstacle 2 was named before"),
        ([[0, 10**30]], f"obstacle 0 has coordinate 1 at {10**30}, outside 0 to 9"),
    ],
)
def test_the_first_wrong_obstacle_is_named(obstacles: list[list[int]], words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}$"):
        check_obstacles(obstacles, [6, 10])


def test_any_set_of_cells_can_be_obstacles() -> None:
    check_obstacles([], [6, 10])
    check_obstacles([list(cell) for cell in product(range(6), range(10))], [6, 10])
