from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from smokegate.reports.table import Column, plainly, table


def lines(*columns: Column, width: int) -> list[str]:
    return list(table(list(columns), width=width, head=plainly, indent="  "))


NAMES = Column(heading="check", cells=["a", "a_long_name_of_a_check"], left=True)
COUNTS = Column(heading="caught", cells=["1", "1,000"])
SPARE = Column(heading="share", cells=["9%", "100%"], spare=1)
FIRST_TO_GO = Column(heading="verdict", cells=["proceed", "rollback"], left=True, spare=2)


def test_columns_stand_under_their_headings() -> None:
    assert lines(NAMES, COUNTS, FIRST_TO_GO, width=80) == [
        "  check                   caught  verdict",
        "  a                            1  proceed ",
        "  a_long_name_of_a_check   1,000  rollback",
    ]


def test_the_gap_narrows_before_a_column_goes() -> None:
    assert lines(NAMES, COUNTS, SPARE, width=39)[0] == "  check                   caught  share"
    assert lines(NAMES, COUNTS, SPARE, width=38)[0] == "  check                  caught share"
    assert lines(NAMES, COUNTS, SPARE, width=36)[0] == "  check                   caught"


def test_what_is_most_spare_goes_first() -> None:
    head = lines(NAMES, COUNTS, SPARE, FIRST_TO_GO, width=40)[0]
    assert "share" in head
    assert "verdict" not in head


def test_names_are_cut_if_nothing_else_helps() -> None:
    assert lines(NAMES, COUNTS, width=24)[2] == "  a_long_name_of…  1,000"


@given(st.integers(30, 120), st.lists(st.text("ab_", max_size=50), min_size=1, max_size=5))
def test_no_line_is_wider_than_said(width: int, names: list[str]) -> None:
    column = Column(heading="check", cells=names, left=True)
    counts = Column(heading="caught", cells=["1"] * len(names))
    spare = Column(heading="share", cells=["100%"] * len(names), spare=1)
    assert all(len(line) <= width for line in lines(column, counts, spare, width=width))


def test_colour_takes_no_room() -> None:
    red = Column(heading="n", cells=["1", "22"], paint=lambda cell: f"<{cell}>")
    assert lines(red, width=40)[1:] == ["  < 1>", "  <22>"]
