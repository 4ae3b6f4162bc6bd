from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from smokegate.history.measures import histogram_quantile, share
from smokegate.history.rows import moment
from smokegate.reports.page.markup import Markup
from smokegate.service.pages import words
from smokegate.service.pages.login import safe_next

NOW_MS = 1_767_225_600_000


@pytest.mark.parametrize(
    ("ago_s", "said"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (119 * 60, "119 min ago"),
        (2 * 3_600, "2 h ago"),
        (47.9 * 3_600, "47 h ago"),
        (48 * 3_600, "2 d ago"),
        (400 * 86_400, "400 d ago"),
    ],
)
def test_ages_are_in_whole_units(ago_s: float, said: str) -> None:
    assert words.age(moment(round(NOW_MS - ago_s * 1000)), NOW_MS) == said


def test_no_measure_is_without_its_count() -> None:
    assert words.share(share(3, 4), "run") == (
        '<b>75%</b><span class="about">(30.1% to 95.4%) of 4 runs</span>'
    )
    assert words.share(share(0, 0), "run") == '<b>-</b><span class="about">of no run</span>'
    nothing = histogram_quantile([1.0], [0], 0, 0.5)
    assert "not known" in words.quantile(nothing, [1.0], [0])
    few = histogram_quantile([1.0, 2.0], [4, 4], 4, 0.95)
    assert "at least" in words.quantile(few, [1.0, 2.0], [4, 4])


@pytest.mark.parametrize(
    ("page", "query", "address"),
    [
        ("run", {"id": "a b&c#d"}, "run?id=a+b%26c%23d"),
        ("environment", {"name": "", "days": 30}, "environment?days=30"),
        ("", {}, "./"),
        ("", {"days": 7}, "./?days=7"),
        ("runs", {"environment": "Ω"}, "runs?environment=%CE%A9"),
    ],
)
def test_addresses_are_seen_from_any_page(page: str, query: dict[str, Any], address: str) -> None:
    assert words.href(page, **query) == address
    if address != "metrics":
        assert safe_next(address) == address


def test_pieces_that_find_no_room_are_counted() -> None:
    pieces = [partial(Markup, "x" * 4_000)] * 5
    shown, note = words.fitted(13_000, pieces, "row")
    assert len(shown) == 8_000
    assert "3 more rows found no room here" in note
    assert words.fitted(100_000, pieces, "row") == ("x" * 20_000, "")
