"""Sets of bits against Python's own sets."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from lattice.pathfinding.bits import WORD_BITS, Shift, Window, count, no_cells

WORDS = 6
cells_of_some = st.sets(st.integers(0, WORDS * WORD_BITS - 1), min_size=1, max_size=20)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(cells_of_some)
def test_a_window_has_the_cells_that_it_was_made_of(cells: set[int]) -> None:
    window = Window.around(list(cells))
    assert window.cells() == sorted(cells)
    assert count(window.words) == len(cells)
    assert window.first == min(cells) // WORD_BITS
    assert window.end == max(cells) // WORD_BITS + 1


@settings(max_examples=100, deadline=None, derandomize=True)
@given(cells_of_some, st.integers(1, 200))
def test_a_step_moves_every_cell_there_and_back(cells: set[int], step: int) -> None:
    window, shift = Window.around(list(cells)), Shift(step)
    reach_words = shift.reach_words
    moved = no_cells(len(window.words) + 2 * reach_words)
    shift.add(window.words, moved, reach_words)
    found = Window(window.first - reach_words, moved).cells()
    assert found == sorted({cell + step for cell in cells} | {cell - step for cell in cells})


@settings(max_examples=50, deadline=None, derandomize=True)
@given(cells_of_some, st.integers(0, 3), st.integers(1, 4))
def test_trimming_loses_no_cell_and_leaves_less_than_a_piece(
    cells: set[int], empty_words: int, piece_words: int
) -> None:
    window = Window.around(list(cells))
    words = no_cells(len(window.words) + 2 * empty_words)
    words[empty_words : empty_words + len(window.words)] = window.words
    trimmed = Window(window.first - empty_words, words).trimmed(piece_words)
    assert trimmed.cells() == sorted(cells)
    assert window.first - trimmed.first < piece_words
    assert trimmed.end - window.end < piece_words


def test_nothing_is_left_of_a_window_without_cells() -> None:
    trimmed = Window(3, no_cells(10)).trimmed(4)
    assert len(trimmed.words) == 0


@settings(max_examples=50, deadline=None, derandomize=True)
@given(cells_of_some, cells_of_some, st.integers(0, WORDS), st.integers(0, WORDS))
def test_what_two_sets_have_in_common_between_two_words(
    ours: set[int], theirs: set[int], first: int, end: int
) -> None:
    whole = no_cells(WORDS)
    other = Window.around(list(theirs))
    whole[other.first : other.end] = other.words
    between: Callable[[int], bool] = lambda cell: first <= cell // WORD_BITS < end  # noqa: E731
    assert Window.around(list(ours)).common(whole, first, end) == sorted(
        filter(between, ours & theirs)
    )
