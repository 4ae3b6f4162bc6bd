from __future__ import annotations

from html import unescape

from hypothesis import given
from hypothesis import strategies as st
from smokegate.reports.page.markup import Markup, block, element, joined, text

from tests.gate.reports.hostile import is_command, is_harmless, texts


def test_a_plain_string_becomes_text_and_markup_stays() -> None:
    assert element("p", "<b>", element("b", "&")) == "<p>&lt;b&gt;<b>&amp;</b></p>"
    assert joined("<", Markup("<br>")) == "&lt;<br>"


def test_what_is_computed_from_markup_is_escaped_again() -> None:
    assert element("p", element("b", "x") + "<i>") == "<p>&lt;b&gt;x&lt;/b&gt;&lt;i&gt;</p>"


def test_attributes_have_a_value_or_none_or_are_left_out() -> None:
    made = element("details", class_="a b", open=True, title="", aria_label="x", hidden=False)
    assert made == '<details class="a b" open aria-label="x"></details>'


@given(texts)
def test_no_value_ends_an_attribute(value: str) -> None:
    made = element("a", title=f"x{value}")
    assert made.startswith('<a title="x')
    assert made.count('"') == 2
    assert made.count("<") == 2


@given(texts)
def test_text_is_one_visible_line(words: str) -> None:
    made = text(words)
    assert is_harmless(made)
    assert "\n" not in made
    assert not {"<", ">"} & set(made)


@given(texts)
def test_a_block_holds_no_command(words: str) -> None:
    made = block(words, 500)
    assert is_harmless(made)
    assert not any(is_command(unescape(line)) for line in made.split("\n"))


@given(st.sampled_from(["a", "&", "<", "\x00", "\r\n", "\U000e0001", '"']), st.integers(0, 4_000))
def test_what_is_long_is_cut_and_says_so(char: str, length: int) -> None:
    words = char * length
    for made, limit, sign in (
        (text(words, 100), 100, "…"),
        (block(words, 100), 100, " … (cut; run.json has more)"),
    ):
        assert len(made) <= 2 * limit + len(sign)
        if length > limit:
            assert made.endswith(sign)
    if char == "a" and length <= 100:
        assert text(words, 100) == block(words, 100) == words


def test_a_long_text_is_not_looked_at_as_a_whole() -> None:
    assert text("a" * 10_000_000, 10) == "a" * 10 + "…"
