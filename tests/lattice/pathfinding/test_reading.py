"""Obstacles are read as they are written."""

import numpy as np
import pytest
from lattice.lattices.records import obstacle_columns
from lattice.pathfinding.reading import CHARACTERS_AT_ONCE, read_obstacles

MANY = np.random.default_rng(1).integers(0, 10**7, size=(3 * CHARACTERS_AT_ONCE // 20, 2)).tolist()


@pytest.mark.parametrize(
    "obstacles", [[], [[0]], [[7], [1_000_000]], [[0, 1, 2], [9_999_999, 0, 3]], MANY]
)
def test_obstacles_are_read_as_they_were_stored(obstacles: list[list[int]]) -> None:
    axes = len(obstacles[0]) if obstacles else 3
    read = read_obstacles(obstacle_columns(obstacles)["obstacles"], axes)
    assert read.tolist() == obstacles
    assert read.shape == (len(obstacles), axes)
    assert read.dtype == np.intp
