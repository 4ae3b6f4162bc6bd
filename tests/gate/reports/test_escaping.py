from __future__ import annotations

import pytest
from hypothesis import given
from smokegate.reports.escaping import no_command, one_line, visible

from tests.gate.reports.hostile import TRICKS, is_command, is_harmless, texts


@given(texts)
def test_only_visible_characters_and_newlines_are_left(text: str) -> None:
    assert is_harmless(visible(text))
    visible(text).encode("utf-8")  # raises nothing


@given(texts)
def test_one_line_is_one_line_and_no_longer_than_said(text: str) -> None:
    line = one_line(text, 40)
    assert "\n" not in line
    assert is_harmless(line)
    assert len(line) <= 40


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ✓ text", "plain ✓ text"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b2J", r"\x9b2J"),
        ("\u202eevil", r"\u202eevil"),
        ("\ud800", r"\ud800"),
        ("a\r\nb", "a\nb"),
        ("a\rb", r"a\rb"),
        ("a\tb", "a   b"),
        ("\x00", r"\x00"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "line",
    [
        "::error::x",
        "   ::set-output name=a::b",
        "##[error]x",
        "said: ##[add-mask]x",
        "##vso[task.complete]",
        "##teamcity[buildStop]",
    ],
)
def test_no_line_of_the_target_is_a_command(line: str) -> None:
    assert is_command(line)
    assert not is_command(no_command(visible(line)))


@pytest.mark.parametrize("line", ["::1 refused", "std::vector", "## heading", "a::b::c"])
def test_innocent_text_is_left_alone(line: str) -> None:
    assert no_command(visible(line)) == line


def test_a_cut_line_ends_with_an_ellipsis() -> None:
    assert one_line("x" * 50, 10) == "x" * 9 + "…"


@given(texts)
def test_no_trick_makes_a_command(text: str) -> None:
    for line in visible(text + TRICKS[10]).split("\n"):
        assert not is_command(no_command(line))
