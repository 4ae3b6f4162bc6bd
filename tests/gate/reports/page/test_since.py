from __future__ import annotations

import pytest
from smokegate.reports.page import page
from smokegate.reports.page.since import since

from tests.gate.audit.test_page import Parsed
from tests.gate.reports import parts, runs
from tests.gate.reports.hostile import TRICKS
from tests.gate.reports.pages import active_parts
from tests.gate.reports.test_last_good import DATABASE, LOGIN, USUAL_S, good


def test_there_is_nothing_without_a_good_run() -> None:
    assert since(runs.rollback(), None) == ""
    assert 'id="since"' not in page(runs.rollback())


def test_where_nothing_became_worse_that_is_said() -> None:
    made = since(parts.judged(), good())
    assert "20250131-120000-facade of version 1.4.1, 2025-01-31 12:00:00 UTC" in made
    assert "All that passed in it passes now" in made
    assert "<table" not in made


def test_each_change_has_a_row_of_its_own() -> None:
    broken = parts.failed(DATABASE, parts.exchange(status=503), "status is 200", "503")
    late = parts.check(LOGIN, duration_s=0.7)
    before = good(durations_s={LOGIN: USUAL_S}, passed=[DATABASE, "health.test_gone"])
    text = page(parts.judged(broken, late), before)
    section = text.partition('id="since"')[2].partition("</section>")[0]
    rows = [row.partition("</tr>")[0] for row in section.split("<tr>")[2:]]
    assert len(rows) == 3
    for row, words in zip(
        rows,
        (
            (f'href="#{DATABASE}"', "passed", "failed", "no longer passes"),
            (f'href="#{LOGIN}"', "310 ms, at most 500 ms, in 5 good runs", "700 ms", "longer"),
            ("<code>health.test_gone</code>", "passed", "is not there any more"),
        ),
        strict=True,
    ):
        assert all(each in row for each in words), row
    links = {each.get("href") for tag, each in Parsed(text).elements if tag == "a"}
    assert "#since" in links


@pytest.mark.parametrize("text", TRICKS)
def test_text_from_outside_stays_text(text: str) -> None:
    made = since(parts.judged(), good(passed=[text]))
    assert list(active_parts(Parsed(made))) == []
