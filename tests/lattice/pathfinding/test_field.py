"""The row of bits: no step from a cell ends anywhere but on a neighbour or on nothing."""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from lattice.lattices.grid import Connectivity, count_edges
from lattice.pathfinding.bits import WORD_BITS, Window, count
from lattice.pathfinding.field import Field, Grid

extents = st.lists(st.integers(1, 4), min_size=1, max_size=6) | st.lists(
    st.integers(1, 20), min_size=1, max_size=2
)
connectivities = st.sampled_from(["axis", "diagonal"])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(extents, connectivities)
def test_steps_lead_to_neighbours_or_to_nothing(
    dimensions: list[int], connectivity: Connectivity
) -> None:
    field = Field.lay_out(Grid(dimensions, [], connectivity), max_cells=10**6)
    cells = list(product(*map(range, dimensions)))
    indices = np.array([field.index(cell) for cell in cells])
    assert Window(0, field.free).cells() == sorted(indices.tolist())
    targets = np.add.outer(indices, np.array(field.steps, dtype=np.intp))
    flags = np.unpackbits(field.free.view(np.uint8), bitorder="little")
    sources, steps = np.nonzero(flags[targets])
    apart = np.abs(field.cells(targets[sources, steps]) - np.array(cells)[sources])
    nearest = apart.sum(1) if connectivity == "axis" else apart.max(1)
    assert (nearest == 1).all()
    # None is missing: each pair of neighbours is seen from both of its cells.
    assert len(steps) == 2 * count_edges(dimensions, connectivity)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(extents)
def test_a_cell_and_its_index_tell_each_other(dimensions: list[int]) -> None:
    field = Field.lay_out(Grid(dimensions, [], "axis"), max_cells=10**6)
    cells = list(product(*map(range, dimensions)))
    assert field.cells([field.index(cell) for cell in cells]).tolist() == list(map(list, cells))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(extents, connectivities, st.data())
def test_the_difference_is_that_of_the_coordinates(
    dimensions: list[int], connectivity: Connectivity, data: st.DataObject
) -> None:
    field = Field.lay_out(Grid(dimensions, [], connectivity), max_cells=10**6)
    cells = st.tuples(*(st.integers(0, extent - 1) for extent in dimensions))
    one, other = data.draw(cells), data.draw(cells)
    found = field.difference(field.index(one), field.index(other))
    assert found == tuple(other[axis] - one[axis] for axis in field.axes)


def test_obstacles_are_not_free_and_the_rest_is() -> None:
    obstacles = [[0, 0], [2, 3], [6, 1]]
    field = Field.lay_out(Grid([7, 4], obstacles, "axis"), max_cells=28)
    free = set(Window(0, field.free).cells())
    assert len(free) == count(field.free) == 28 - 3
    assert not free & {field.index(cell) for cell in obstacles}


def test_what_is_wide_lies_together() -> None:
    field = Field.lay_out(Grid([2, 1, 500, 9], [], "axis"), max_cells=10**6)
    assert field.axes == (2, 3, 0)
    assert len(field.free) * WORD_BITS < 2 * 2 * 500 * 10 + 4096
