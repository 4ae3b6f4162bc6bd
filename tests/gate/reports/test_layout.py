from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from smokegate.reports.layout import labelled, paragraph

from tests.gate.reports.hostile import is_command, is_harmless, texts


@given(texts, st.integers(40, 120))
def test_lines_are_harmless_and_not_wider_than_said(text: str, width: int) -> None:
    for line in paragraph(text, width=width, indent="  ", hanging="  "):
        assert is_harmless(line)
        assert "\n" not in line
        assert not is_command(line)
        assert len(line) <= width + 3  # a broken-up command mark is written out


def test_a_row_without_text_is_still_a_row() -> None:
    assert labelled([("saw", "")]) == ["saw"]


def test_rows_line_up_and_wrap_under_their_text() -> None:
    assert labelled([("next", "one two three four five"), ("likely", "six")], width=40)[:2] == [
        "next      one two three four five",
        "likely    six",
    ]
    lines = labelled([("next", "word " * 12)], width=40, indent="  ")
    assert lines[1].startswith(" " * 12 + "word")


def test_a_command_stays_on_one_line_however_narrow_it_is() -> None:
    command = "curl " + "--header 'a: b' " * 20
    assert labelled([("repeat", command + "'\n'")], width=40) == ["repeat    " + command + r"'\n'"]
