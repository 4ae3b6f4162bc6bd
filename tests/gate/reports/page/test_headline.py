from __future__ import annotations

import pytest
from smokegate.reports.page.headline import headline, icon, title

from tests.gate.reports import parts, runs


@pytest.mark.parametrize("name", runs.RUNS)
def test_the_verdict_its_reason_and_what_to_do_come_first(name: str) -> None:
    run = runs.RUNS[name]()
    made = headline(run)
    assert f'<h1 class="verdict {run.verdict.action.value}">{run.verdict.action.name}' in made
    assert made.index('class="why"') < made.index('class="to-do"') < made.index("strips")


def test_a_part_of_the_checks_is_marked_so() -> None:
    assert "PROCEED (partial)" in headline(parts.judged(partial=True))


def test_every_check_is_a_cell_and_every_outcome_is_counted() -> None:
    made = headline(runs.rollback())
    assert made.count('class="cell ') == 21
    for words in ("12 passed", "3 failed", "6 blocked"):
        assert words in made


def test_very_many_checks_have_no_cells() -> None:
    names = [f"health.test_{number}" for number in range(500)]
    made = headline(parts.judged(only=names))
    assert 'class="cell' not in made
    assert "500 passed" in made


def test_the_facts_are_those_of_the_run() -> None:
    made = headline(runs.mitigated())
    for words in ("1.4.2", "2025-01-31 23:59:58 UTC", "2.25 s", "8 of 9 (89%)", "-facade"):
        assert words in made
    assert "not known" in headline(runs.down())


def test_a_tab_tells_runs_apart() -> None:
    assert title(runs.rollback()).startswith("ROLLBACK: https://api.example.com, 2025-01-31")
    assert icon(runs.rollback()) != icon(runs.proceed())
