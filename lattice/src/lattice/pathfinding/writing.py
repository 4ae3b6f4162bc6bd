"""Answers as JSON, straight from a search's own array."""

from lattice.pathfinding.field import Cells
from lattice.pathfinding.schemas import SearchFacts

# So many cells are written before other threads get their turn.
CELLS_AT_ONCE = 4096


def write_answer(facts: SearchFacts, path: Cells | None) -> bytes:
    """Return the JSON of a `SearchAnswer`."""
    head = facts.model_dump_json().removesuffix("}")
    return f'{head},"path":{"null" if path is None else _write_cells(path)}}}'.encode()


def _write_cells(cells: Cells) -> str:
    axes = cells.shape[1]
    cell = f"[{','.join(['%d'] * axes)}]"
    parts = []
    for first in range(0, len(cells), CELLS_AT_ONCE):
        part = cells[first : first + CELLS_AT_ONCE]
        parts.append(",".join([cell] * len(part)) % tuple(part.ravel().tolist()))
    return f"[{','.join(parts)}]"
