"""The written answer is the JSON of its model, whatever the length of the path."""

import numpy as np
import pytest
from lattice.pathfinding.schemas import SearchAnswer, SearchFacts
from lattice.pathfinding.writing import CELLS_AT_ONCE, write_answer

FACTS = SearchFacts(reachable=True, length=3, cost=3, explored=7, elapsed_ms=0.25)


@pytest.mark.parametrize("cells", [1, 2, CELLS_AT_ONCE, CELLS_AT_ONCE + 1])
@pytest.mark.parametrize("axes", [1, 3])
def test_a_path_is_written_whole(cells: int, axes: int) -> None:
    path = np.arange(cells * axes, dtype=np.intp).reshape(cells, axes)
    answer = SearchAnswer.model_validate_json(write_answer(FACTS, path))
    assert answer == SearchAnswer(**FACTS.model_dump(), path=path.tolist())


def test_no_path_is_null() -> None:
    assert SearchAnswer.model_validate_json(write_answer(FACTS, None)).path is None
